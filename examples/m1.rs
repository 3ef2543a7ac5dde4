use stockout::model::billing::*; use stockout::model::capacity::*; use stockout::model::checkpoint::*; use stockout::model::lifetime::*; use stockout::model::plan::*; use stockout::model::restart::*; use stockout::model::workload::*; use stockout::montecarlo::{replicate::*, stopping, estimate, observe::Measure}; use stockout::units::*; use stockout::stats::interval::Level;
fn main(){
  let threads: usize = std::env::args().nth(1).unwrap().parse().unwrap();
  let n: u64 = std::env::args().nth(2).unwrap().parse().unwrap();
  let all = std::env::args().nth(3).is_some();
  let program=Program{startup:SimDuration::from_secs(120),restore:SimDuration::ZERO,every:Some(SimDuration::from_secs(1800)),save:SimDuration::from_secs(60),notice:None};
  let job=JobModel{work:SimDuration::from_hours(8),nodes:1,program,standard_program:program,timeout:None,give_up_after:SimDuration::from_hours(8760),
   market:Market{lifetime:Lifetime::Exponential{mean_h:10.0},wait:Wait::Exponential{mean_h:5.0/60.0},no_capacity_probability:Share::ZERO,shared_hazard:Share::ZERO,notice:SimDuration::ZERO,standard_wait:Wait::NONE,flex_wait:None,max_wait:None},
   restart:RestartRules{max_restarts:Some(6),counts:Counts::Job,backoff:Backoff::fixed(SimDuration::ZERO),resubmit_after:SimDuration::from_hours(1),max_submissions:20}};
  let f=|r:&str|Some(Figure{rate:Rate::parse(r).unwrap().0,as_of:String::new(),source:String::new()});
  let sheet=PriceSheet{standard:f("0.5 USD/h"),spot:f("0.2 USD/h"),..Default::default()};
  let plans: Vec<Plan> = if all {vec![Plan::Standard,Plan::Spot,Plan::SpotResubmit,Plan::SpotThenStandard]} else {vec![Plan::Spot]};
  let e=Experiment{workload:Workload::Job(job),billing:BillingRules{increment:SimDuration::from_secs(1),minimum:SimDuration::ZERO,free_if_preempted_within:SimDuration::ZERO},
   plans:plans.into_iter().map(|p|(p,tariff(p,Service::ComputeEngine,&sheet).unwrap())).collect(),deadline:None,seed:1};
  let t=std::time::Instant::now();
  let level=Level::new(0.95).unwrap();
  let tally=stopping::run(&e,stopping::Stop::Replications(n),level,threads,&Unwatched).unwrap();
  let el=t.elapsed();
  let t=std::time::Instant::now();
  for p in estimate::estimate(&e,&tally,level){ println!("{:?} {:?} billed {:?} mk {:?} {:?} {:?}",p.plan,p.measure(Measure::Cost),p.measure(Measure::Billed).mean,p.measure(Measure::Makespan).mean,p.completion.unwrap().value,p.measure(Measure::Restarts).mean); }
  eprintln!("{el:?} {:.1} ns/rep; estimate {:?}", el.as_nanos() as f64/n as f64, t.elapsed());
}
