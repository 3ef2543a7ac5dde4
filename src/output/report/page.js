/* Draws the curves of the page with uPlot, so that values can be read off them and plans left out.
   Without it the pictures that stand there say the same. */
(function () {
  'use strict';
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const font = '12px ' + getComputedStyle(document.body).fontFamily;
  const make = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const shown = (value, digits) => String(Number(value.toPrecision(digits)));

  function sample(series) {
    const box = make('span', { 'aria-hidden': 'true' });
    box.innerHTML = '<svg width="22" height="8"><line x1="0" y1="4" x2="22" y2="4" stroke-width="2.5"/></svg>';
    const line = box.querySelector('line');
    line.style.stroke = 'var(--' + (series.plan) + ')';
    line.style.strokeDasharray = series.dash.join(' ');
    return box;
  }

  function options(data, width, shownPlans) {
    const narrow = width < 560;
    const axis = (more) => Object.assign({
      stroke: colour('muted'), font, labelFont: font, labelGap: 2,
      grid: { stroke: colour('grid'), width: 1 }, ticks: { show: false },
    }, more);
    return {
      width, height: narrow ? 280 : 340,
      legend: { show: false },
      padding: [22, narrow ? 10 : 16, 0, 0],
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 7, width: 2 } },
      scales: {
        x: { time: false, range: [data.x[0], data.x[data.x.length - 1]] },
        y: { range: [0, 100] },
      },
      axes: [
        axis({ label: data.across, labelSize: 20, size: 28 }),
        axis({ label: data.up, labelSize: 20, size: 40 }),
      ],
      series: [{}].concat(data.series.map((series, index) => ({
        label: series.plan, show: shownPlans[index], stroke: colour(series.plan), width: 2,
        dash: series.dash.length ? series.dash : undefined, points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }),
      }))),
      hooks: { draw: [(u) => lines(u, data)] },
    };
  }

  /* Upright lines with their names, above the drawing. */
  function lines(u, data) {
    const context = u.ctx;
    const scale = devicePixelRatio;
    context.save();
    context.font = '500 ' + 12 * scale + 'px ' + getComputedStyle(document.body).fontFamily;
    context.textBaseline = 'bottom';
    for (const [at, name] of data.lines) {
      const x = u.valToPos(at, 'x', true);
      context.strokeStyle = context.fillStyle = colour('alert');
      context.lineWidth = 1.5 * scale;
      context.beginPath();
      context.moveTo(x, u.bbox.top - 3 * scale);
      context.lineTo(x, u.bbox.top + u.bbox.height);
      context.stroke();
      const half = context.measureText(name).width / 2;
      const middle = Math.max(u.bbox.left + half, Math.min(x, u.bbox.left + u.bbox.width - half));
      context.textAlign = 'center';
      context.fillText(name, middle, u.bbox.top - 5 * scale);
    }
    context.restore();
  }

  function start(figure) {
    const source = figure.querySelector('script.curves');
    if (!source) return;
    const data = JSON.parse(source.textContent);
    const panel = make('div', { class: 'reading' });
    panel.append(make('h4', {}, source.dataset.title));
    const said = make('p', { class: 'said', role: 'status' });
    const nothing = 'Point at the chart, or use the arrow keys on it, to read values; choose plans below it.';
    said.textContent = nothing;
    const plot = make('div', { class: 'plot', tabindex: '0', role: 'group', 'aria-label': source.dataset.title + ': arrow keys move the reading line' });
    const choices = make('div', { class: 'choices', role: 'group', 'aria-label': 'Plans shown' });
    panel.append(said, plot, choices);
    figure.append(panel);
    figure.classList.add('live');

    const shownPlans = data.series.map(() => true);
    const values = [];
    let u = null;
    let at = null;
    data.series.forEach((series, index) => {
      const button = make('button', { type: 'button', 'aria-pressed': 'true' });
      const value = make('span', { class: 'value' });
      values.push(value);
      button.append(sample(series), make('span', {}, series.plan), value);
      button.addEventListener('click', () => {
        shownPlans[index] = !shownPlans[index];
        button.setAttribute('aria-pressed', String(shownPlans[index]));
        u.setSeries(index + 1, { show: shownPlans[index] });
      });
      choices.append(button);
    });

    /* The last reading stays when the pointer leaves: nothing jumps. */
    function read(index) {
      if (index === null || index === undefined) return;
      at = index;
      said.textContent = data.before + ' ' + shown(data.x[index], 4) + ' ' + data.unit + ':';
      data.series.forEach((series, i) => {
        values[i].textContent = shown(series.y[index], 4) + ' %';
      });
    }

    function draw() {
      const width = Math.floor(plot.clientWidth);
      if (width < 40) return;
      if (u) u.destroy();
      const given = options(data, width, shownPlans);
      given.hooks.setCursor = [(chart) => read(chart.cursor.idx)];
      u = new uPlot(given, [data.x].concat(data.series.map((series) => series.y)), plot);
    }

    plot.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (!step || !u) return;
      event.preventDefault();
      const from = at === null ? Math.floor(data.x.length / 2) : at + step;
      const index = Math.max(0, Math.min(data.x.length - 1, from));
      u.setCursor({ left: u.valToPos(data.x[index], 'x'), top: 10 });
    });
    let known = 0;
    new ResizeObserver(() => {
      if (Math.abs(plot.clientWidth - known) > 0) { known = plot.clientWidth; draw(); }
    }).observe(plot);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  }

  const begin = () => document.querySelectorAll('figure.chart').forEach(start);
  document.fonts && document.fonts.ready ? document.fonts.ready.then(begin) : begin();
})();
