//! Small symmetric matrices: at most a few dozen rows.

use libm::{fabs, sqrt};

/// A symmetric matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Symmetric {
    size: usize,
    /// Row by row, both halves.
    cells: Vec<f64>,
}

/// Eigenvalues below this share of the largest count as 0: a direction without variance.
const NEGLIGIBLE: f64 = 1e-9;

impl Symmetric {
    /// A matrix of zeros.
    #[must_use]
    pub fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    /// A cell.
    #[must_use]
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.cells[i * self.size + j]
    }

    /// Adds to a cell and to its mirror image.
    pub fn add(&mut self, i: usize, j: usize, value: f64) {
        self.cells[i * self.size + j] += value;
        if i != j {
            self.cells[j * self.size + i] += value;
        }
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<f64>> {
        self.cells.chunks(self.size.max(1)).map(<[f64]>::to_vec).collect()
    }

    /// Eigenvalues, and eigenvectors as the columns of a matrix, by Jacobi's rotations.
    fn eigen(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.size;
        let mut a = self.cells.clone();
        let mut v = vec![0.0; n * n];
        for i in 0..n {
            v[i * n + i] = 1.0;
        }
        for _ in 0..100 {
            let off: f64 = (0..n)
                .flat_map(|i| (0..i).map(move |j| (i, j)))
                .map(|(i, j)| a[i * n + j] * a[i * n + j])
                .sum();
            let whole: f64 = a.iter().map(|cell| cell * cell).sum();
            if off <= 1e-30 * whole {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    let apq = a[p * n + q];
                    if apq == 0.0 {
                        continue;
                    }
                    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
                    let sign = if theta < 0.0 { -1.0 } else { 1.0 };
                    let t = sign / (fabs(theta) + sqrt(theta * theta + 1.0));
                    let c = 1.0 / sqrt(t * t + 1.0);
                    let s = t * c;
                    for k in 0..n {
                        let (x, y) = (a[k * n + p], a[k * n + q]);
                        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                    }
                    for k in 0..n {
                        let (x, y) = (a[p * n + k], a[q * n + k]);
                        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                        let (x, y) = (v[k * n + p], v[k * n + q]);
                        (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
                    }
                }
            }
        }
        ((0..n).map(|i| a[i * n + i]).collect(), v)
    }

    /// Columns whose squares add up to the matrix, A = R R′: one for every direction with variance.
    /// `None` where a direction has a negative variance.
    #[must_use]
    pub fn root(&self) -> Option<Vec<Vec<f64>>> {
        let n = self.size;
        let (values, vectors) = self.eigen();
        let largest = values.iter().copied().fold(0.0, f64::max);
        if values
            .iter()
            .any(|&value| !value.is_finite() || value < -NEGLIGIBLE * largest.max(1e-12))
        {
            return None;
        }
        let columns = values.iter().enumerate().filter(|(_, value)| **value > NEGLIGIBLE * largest);
        Some(
            columns
                .map(|(k, &value)| (0..n).map(|i| sqrt(value) * vectors[i * n + k]).collect())
                .collect(),
        )
    }

    /// x′ A⁻ x, and the rank of A: directions without variance are left out.
    #[must_use]
    pub fn quadratic_of_inverse(&self, x: &[f64]) -> (f64, u64) {
        self.quadratic_above(x, NEGLIGIBLE)
    }

    /// The same; directions with less than a share of the largest variance are left out.
    #[must_use]
    pub fn quadratic_above(&self, x: &[f64], share: f64) -> (f64, u64) {
        let n = self.size;
        let (values, vectors) = self.eigen();
        let largest = values.iter().copied().fold(0.0, f64::max);
        let (mut sum, mut rank) = (0.0, 0);
        for (k, &value) in values.iter().enumerate() {
            if value > share * largest && value > 0.0 {
                let along: f64 = (0..n).map(|i| vectors[i * n + k] * x[i]).sum();
                sum += along * along / value;
                rank += 1;
            }
        }
        (sum, rank)
    }

    /// The inverse; `None` unless the matrix is positive definite.
    #[must_use]
    pub fn inverse(&self) -> Option<Self> {
        let n = self.size;
        // Rows of very different size are brought to one first.
        let scale: Vec<f64> = (0..n).map(|i| self.at(i, i)).collect();
        if scale.iter().any(|&s| !s.is_finite() || s <= 0.0) {
            return None;
        }
        let scale: Vec<f64> = scale.into_iter().map(sqrt).collect();
        let mut unit = Self::zero(n);
        for i in 0..n {
            for j in 0..=i {
                unit.add(i, j, self.at(i, j) / (scale[i] * scale[j]));
            }
        }
        let (values, vectors) = unit.eigen();
        if values.iter().any(|&value| !value.is_finite() || value < 1e-10) {
            return None;
        }
        let mut inverse = Self::zero(n);
        for i in 0..n {
            for j in 0..=i {
                let sum: f64 =
                    (0..n).map(|k| vectors[i * n + k] * vectors[j * n + k] / values[k]).sum();
                inverse.add(i, j, sum / (scale[i] * scale[j]));
            }
        }
        Some(inverse)
    }

    /// x′ A y.
    #[must_use]
    pub fn product(&self, x: &[f64], y: &[f64]) -> f64 {
        let n = self.size;
        (0..n).map(|i| (0..n).map(|j| x[i] * self.at(i, j) * y[j]).sum::<f64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [[4, 2, 0], [2, 3, 1], [0, 1, 2]] has the determinant 12 and the inverse
    /// [[5, −4, 2], [−4, 8, −4], [2, −4, 8]] ÷ 12.
    #[test]
    fn an_inverse_meets_one_by_hand() {
        let mut matrix = Symmetric::zero(3);
        for (i, j, value) in [(0, 0, 4.0), (1, 0, 2.0), (1, 1, 3.0), (2, 1, 1.0), (2, 2, 2.0)] {
            matrix.add(i, j, value);
        }
        let inverse = matrix.inverse().unwrap();
        let by_hand = [[5.0, -4.0, 2.0], [-4.0, 8.0, -4.0], [2.0, -4.0, 8.0]];
        for (i, row) in by_hand.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                assert!((inverse.at(i, j) - value / 12.0).abs() < 1e-13);
            }
        }
        let (sum, rank) = matrix.quadratic_of_inverse(&[1.0, 2.0, 3.0]);
        assert!((sum - inverse.product(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0])).abs() < 1e-12);
        assert_eq!(rank, 3);
    }

    /// R R′ is the matrix again; a covariance of 1, 1 and 2 between both is none: 1 · 1 < 2².
    #[test]
    fn the_squares_of_a_root_are_the_matrix() {
        let mut matrix = Symmetric::zero(3);
        for (i, j, value) in [(0, 0, 4.0), (1, 0, 2.0), (1, 1, 3.0), (2, 1, 1.0), (2, 2, 2.0)] {
            matrix.add(i, j, value);
        }
        let root = matrix.root().unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let sum: f64 = root.iter().map(|column| column[i] * column[j]).sum();
                assert!((sum - matrix.at(i, j)).abs() < 1e-12);
            }
        }
        let mut none = Symmetric::zero(2);
        for (i, j, value) in [(0, 0, 1.0), (1, 0, 2.0), (1, 1, 1.0)] {
            none.add(i, j, value);
        }
        assert_eq!(none.root(), None);
        assert_eq!(Symmetric::zero(2).root().unwrap().len(), 0);
    }

    #[test]
    fn a_singular_matrix_has_a_rank_and_no_inverse() {
        let mut matrix = Symmetric::zero(2);
        matrix.add(0, 0, 1.0);
        matrix.add(1, 1, 1.0);
        matrix.add(1, 0, -1.0);
        assert_eq!(matrix.inverse(), None);
        assert_eq!(matrix.quadratic_of_inverse(&[1.0, -1.0]).1, 1);
    }
}
