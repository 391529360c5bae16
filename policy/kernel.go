package policy

import "github.com/cohort-rl/cohort/numerics"

// addProducts adds to each element of dst (m x n) the inner product of a row of
// a (m x k) with a row of b (n x k): dst[i,j] += sum over l of a[i,l] b[j,l].
// Each element is one sum in T in the order of l, begun with what dst held, so
// its bits do not depend on m, n or the blocks below, and a sum can be cut
// anywhere along l.
func addProducts[T numerics.Float](dst, a, b []T, m, n, k int) {
	if len(dst) != m*n || len(a) != m*k || len(b) != n*k {
		panic("policy: addProducts of slices of other lengths")
	}
	i := 0
	for ; i+4 <= m; i += 4 {
		addFourRows(dst[i*n:(i+4)*n], a[i*k:(i+4)*k], b, n, k)
	}
	for ; i < m; i++ {
		addRow(dst[i*n:(i+1)*n], a[i*k:(i+1)*k], b)
	}
}

// addFourRows keeps eight sums in registers, four rows of a by two of b.
func addFourRows[T numerics.Float](dst, a, b []T, n, k int) {
	a0, a1, a2, a3 := a[:k], a[k:2*k], a[2*k:3*k], a[3*k:4*k]
	d0, d1, d2, d3 := dst[:n], dst[n:2*n], dst[2*n:3*n], dst[3*n:4*n]
	j := 0
	for ; j+2 <= n; j += 2 {
		b0, b1 := b[j*k:(j+1)*k], b[(j+1)*k:(j+2)*k]
		b0, b1 = b0[:len(a0)], b1[:len(a0)]
		c1, c2, c3 := a1[:len(a0)], a2[:len(a0)], a3[:len(a0)]
		s00, s01, s10, s11 := d0[j], d0[j+1], d1[j], d1[j+1]
		s20, s21, s30, s31 := d2[j], d2[j+1], d3[j], d3[j+1]
		for l, x0 := range a0 {
			y0, y1 := b0[l], b1[l]
			s00 += T(x0 * y0)
			s01 += T(x0 * y1)
			x1 := c1[l]
			s10 += T(x1 * y0)
			s11 += T(x1 * y1)
			x2 := c2[l]
			s20 += T(x2 * y0)
			s21 += T(x2 * y1)
			x3 := c3[l]
			s30 += T(x3 * y0)
			s31 += T(x3 * y1)
		}
		d0[j], d0[j+1], d1[j], d1[j+1] = s00, s01, s10, s11
		d2[j], d2[j+1], d3[j], d3[j+1] = s20, s21, s30, s31
	}
	if j < n {
		b0 := b[j*k:]
		d0[j] = addInOrder(d0[j], a0, b0)
		d1[j] = addInOrder(d1[j], a1, b0)
		d2[j] = addInOrder(d2[j], a2, b0)
		d3[j] = addInOrder(d3[j], a3, b0)
	}
}

// addRow keeps four sums in registers, one row of a by four of b.
func addRow[T numerics.Float](dst, a, b []T) {
	k, j := len(a), 0
	for ; j+4 <= len(dst); j += 4 {
		b0, b1 := b[j*k:][:len(a)], b[(j+1)*k:][:len(a)]
		b2, b3 := b[(j+2)*k:][:len(a)], b[(j+3)*k:][:len(a)]
		s0, s1, s2, s3 := dst[j], dst[j+1], dst[j+2], dst[j+3]
		for l, x := range a {
			s0 += T(x * b0[l])
			s1 += T(x * b1[l])
			s2 += T(x * b2[l])
			s3 += T(x * b3[l])
		}
		dst[j], dst[j+1], dst[j+2], dst[j+3] = s0, s1, s2, s3
	}
	for ; j < len(dst); j++ {
		dst[j] = addInOrder(dst[j], a, b[j*k:])
	}
}

// addInOrder returns sum plus the products of x with the first elements of y.
func addInOrder[T numerics.Float](sum T, x, y []T) T {
	y = y[:len(x)]
	for l, v := range x {
		sum += T(v * y[l])
	}
	return sum
}
