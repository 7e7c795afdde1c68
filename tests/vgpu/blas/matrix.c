/* SPDX-License-Identifier: MIT */
/* Stored matrices of every kind that BLAS knows, read through one function. */
#include "blas.h"

bool stored(const struct matrix *m, int i, int j)
{
	if (m->store == GENERAL)
		return true;
	if (m->store == GENERAL_BAND)
		return i - j <= m->kl && j - i <= m->ku;
	if (m->uplo == UPPER ? i > j : i < j)
		return false;
	return m->layout != BAND || (m->uplo == UPPER ? j - i : i - j) <= m->ku;
}

size_t place(const struct matrix *m, int i, int j)
{
	size_t col = (size_t)j, row = (size_t)i, n = (size_t)m->n;

	if (m->store == GENERAL_BAND)
		return (size_t)(m->ku + i - j) + col * (size_t)m->ld;
	if (m->layout == BAND)
		return (size_t)(m->uplo == UPPER ? m->ku + i - j : i - j) + col * (size_t)m->ld;
	if (m->layout == PACKED)
		return m->uplo == UPPER ? row + col * (col + 1) / 2
					: row + col * (2 * n - col - 1) / 2;
	return row + col * (size_t)m->ld;
}

num entry(const struct matrix *m, int batch, int i, int j)
{
	num v;

	if (m->store == TRIANGULAR && i == j && m->diag == UNIT)
		return 1;
	if (stored(m, i, j)) {
		v = wanted(m->a, batch, place(m, i, j));
		return m->store == HERMITIAN && i == j ? creall(v) : v;
	}
	if ((m->store == SYMMETRIC || m->store == HERMITIAN) && stored(m, j, i)) {
		v = wanted(m->a, batch, place(m, j, i));
		return m->store == HERMITIAN ? conjl(v) : v;
	}
	return 0;
}

num entry_of(const struct matrix *m, int batch, int op, int i, int j)
{
	num v = op == OP_N ? entry(m, batch, i, j) : entry(m, batch, j, i);

	return op == OP_C ? conjl(v) : v;
}

void make_matrix(struct run *r, enum type t, struct matrix *m)
{
	size_t rows = (size_t)m->m, n = (size_t)m->n;

	if (m->layout == PACKED) {
		m->a = array_new(r, t, n * (n + 1) / 2);
		return;
	}
	m->ld = m->store == GENERAL_BAND ? m->kl + m->ku + 3
		: m->layout == BAND	 ? m->ku + 2
					 : (int)rows + 3;
	m->a = array_new(r, t, (size_t)m->ld * n);
}

void tame(struct run *r, struct matrix *m)
{
	for (int b = 0; b < r->batches; b++)
		for (int j = 0; j < m->n; j++)
			for (int i = 0; i < m->n; i++)
				if (stored(m, i, j)) {
					num v = wanted(m->a, b, place(m, i, j));

					set(m->a, b, place(m, i, j),
						i == j ? v * 0.25L + 2 : v / m->n);
				}
}

void matrix_args(struct run *r, const struct matrix *m)
{
	arg_array(r, m->a);
	if (m->layout != PACKED)
		arg_int(r, m->ld);
	arg_stride(r, m->a);
}
