/* SPDX-License-Identifier: MIT */
/*
 * GPU virtual addresses: a sorted table of mappings a GPU, and every access of the GPU's engines
 * to memory. A GPU address is not a CPU address (pinned pages have another one), so nothing here
 * may take one for the other.
 *
 * Program memory (USERPTR) can vanish under a mapping when a program unmaps what it registered. A
 * real card faults; copies here go through the kernel for such memory (pread and pwrite on our
 * memory file, process_vm_readv), which answers EFAULT instead of killing the program. Large pieces
 * are copied directly, which is twice as fast, after mincore and a try of their first and last byte
 * said that the memory is there.
 */
#include "vgpu/internal.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK	   (UINT64_C(4) << 20) /* under the lock at once: an unmap waits for no longer copy */
#define DIRECT_MIN (UINT64_C(128) << 10) /* below it the checks cost more than they save */
#define DIRECT_MAX (UINT64_C(1) << 20)

void rp_pt_init(struct rp_page_table *pt)
{
	pthread_rwlockattr_t attr;

	(void)pthread_rwlockattr_init(&attr);
	/* else unmap starves while two queues copy without a pause */
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&pt->lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	pt->v = NULL;
	pt->n = pt->cap = 0;
}

/* Index of the first mapping that ends behind va. */
static size_t lower(const struct rp_page_table *pt, uint64_t va)
{
	size_t lo = 0, hi = pt->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pt->v[mid].va + pt->v[mid].size <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct rp_page_table *pt, size_t i, const struct rp_gpu_map *map)
{
	if (rp_array_grow(&pt->v, &pt->cap, pt->n, sizeof(*pt->v)) < 0)
		return -ENOMEM;
	memmove(&pt->v[i + 1], &pt->v[i], (pt->n - i) * sizeof(*pt->v));
	pt->v[i] = *map;
	pt->n++;
	return 0;
}

int rp_pt_map(struct rp_page_table *pt, const struct rp_gpu_map *map)
{
	size_t i;
	int r;

	if (map->size == 0 || map->va + map->size < map->va)
		return -EINVAL;
	(void)pthread_rwlock_wrlock(&pt->lock);
	atomic_fetch_add_explicit(&pt->generation, 1, memory_order_release);
	i = lower(pt, map->va);
	if (i < pt->n && pt->v[i].va < map->va + map->size)
		r = -EINVAL;
	else
		r = insert(pt, i, map);
	(void)pthread_rwlock_unlock(&pt->lock);
	return r;
}

static void cut_front(struct rp_gpu_map *m, uint64_t bytes)
{
	m->va += bytes;
	m->size -= bytes;
	m->host += bytes;
	if (m->file_offset >= 0)
		m->file_offset += (int64_t)bytes;
}

int rp_pt_unmap(struct rp_page_table *pt, uint64_t va, uint64_t size)
{
	uint64_t end = va + size;
	int r = 0;

	if (size == 0 || end < va)
		return -EINVAL;
	(void)pthread_rwlock_wrlock(&pt->lock);
	atomic_fetch_add_explicit(&pt->generation, 1, memory_order_release);
	for (size_t i = lower(pt, va); r == 0 && i < pt->n && pt->v[i].va < end;) {
		struct rp_gpu_map *m = &pt->v[i], tail = *m;
		uint64_t m_end = m->va + m->size;

		if (m->va < va && m_end > end) { /* out of the middle */
			cut_front(&tail, end - m->va);
			m->size = va - m->va;
			r = insert(pt, i + 1, &tail);
			if (r < 0)
				pt->v[i].size = m_end - pt->v[i].va;
			break;
		}
		if (m->va < va) {
			m->size = va - m->va;
			i++;
		} else if (m_end > end) {
			cut_front(m, end - m->va);
			i++;
		} else {
			memmove(m, m + 1, (pt->n - i - 1) * sizeof(*m));
			pt->n--;
		}
	}
	(void)pthread_rwlock_unlock(&pt->lock);
	return r;
}

int rp_pt_drop_svm(struct rp_page_table *pt, uint64_t va, uint64_t size)
{
	for (;;) {
		uint64_t from = 0, to = 0;
		size_t i;

		(void)pthread_rwlock_rdlock(&pt->lock);
		for (i = lower(pt, va); i < pt->n && pt->v[i].va < va + size; i++)
			if (pt->v[i].mem == 0) {
				from = pt->v[i].va > va ? pt->v[i].va : va;
				to = pt->v[i].va + pt->v[i].size;
				to = to < va + size ? to : va + size;
				break;
			}
		(void)pthread_rwlock_unlock(&pt->lock);
		if (from == to)
			return 0;
		if (rp_pt_unmap(pt, from, to - from) < 0)
			return -ENOMEM;
	}
}

const struct rp_gpu_map *rp_pt_find(const struct rp_page_table *pt, uint64_t va)
{
	size_t i = lower(pt, va);

	return i < pt->n && pt->v[i].va <= va ? &pt->v[i] : NULL;
}

/* The mapping at va if it gives these rights, and how many bytes of it lie at va and behind. */
static const struct rp_gpu_map *access_at(const struct rp_page_table *pt, uint64_t va, uint8_t need,
	uint64_t *ret_n, struct rp_vgpu_fault *ret_fault)
{
	const struct rp_gpu_map *m = rp_pt_find(pt, va);

	if (m && !m->poisoned && (m->rights & need) == need) {
		*ret_n = m->va + m->size - va;
		return m;
	}
	*ret_fault = (struct rp_vgpu_fault){ va, need, m != NULL, m && m->poisoned };
	return NULL;
}

uint8_t *rp_gpu_host(const struct rp_page_table *pt, uint64_t va, uint64_t len, uint8_t need,
	struct rp_vgpu_fault *ret_fault)
{
	uint64_t n = 0;
	const struct rp_gpu_map *m = access_at(pt, va, need, &n, ret_fault);

	if (!m)
		return NULL;
	if (n < len) { /* structures of the runtime lie in one allocation */
		*ret_fault = (struct rp_vgpu_fault){ va + n, need, false, false };
		return NULL;
	}
	return m->host + (va - m->va);
}

static ssize_t self_copy(void *dst, const void *src, size_t n)
{
	struct iovec local = { dst, n }, remote = { (void *)(uintptr_t)src, n };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

/* False: the kernel refuses the call itself (old, or a sandbox). */
static bool no_call(void)
{
	return errno == ENOSYS || errno == EPERM;
}

int rp_user_read(void *dst, uint64_t user, size_t n)
{
	ssize_t r;

	if (n == 0)
		return 0;
	r = self_copy(dst, (const void *)(uintptr_t)user, n);
	if (r == (ssize_t)n)
		return 0;
	if (r >= 0 || !no_call() || user == 0)
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)user, n);
	return 0;
}

int rp_user_write(uint64_t user, const void *src, size_t n)
{
	struct iovec local = { (void *)(uintptr_t)src, n }, remote = { (void *)(uintptr_t)user, n };
	ssize_t r;

	if (n == 0)
		return 0;
	r = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	if (r == (ssize_t)n)
		return 0;
	if (r >= 0 || !no_call() || user == 0)
		return -EFAULT;
	memcpy((void *)(uintptr_t)user, src, n);
	return 0;
}

/*
 * One piece that lies in one mapping on both sides. Bytes copied (at least 1), or 0: program
 * memory on one side is gone; *ret_src_gone says on which.
 */
static uint64_t copy_by_kernel(const struct rp_gpu_map *dm, uint64_t dst,
	const struct rp_gpu_map *sm, uint64_t src, uint64_t n, bool *ret_src_gone)
{
	uint8_t *d = dm->host + (dst - dm->va);
	const uint8_t *s = sm->host + (src - sm->va);
	ssize_t r;

	*ret_src_gone = false;
	if (dm->file_offset >= 0) {
		*ret_src_gone = true;
		r = pwrite(dm->file_fd, s, n, dm->file_offset + (int64_t)(dst - dm->va));
	} else if (sm->file_offset >= 0) {
		r = pread(sm->file_fd, d, n, sm->file_offset + (int64_t)(src - sm->va));
	} else {
		r = self_copy(d, s, n);
		if (r < 0 && no_call()) {
			memmove(d, s, n);
			return n;
		}
		/* which side it was: a byte of the source tells */
		if (r <= 0) {
			uint8_t byte;

			*ret_src_gone = rp_user_read(&byte, (uint64_t)(uintptr_t)s, 1) < 0;
		}
	}
	return r > 0 ? (uint64_t)r : 0;
}

/* True if every page of [p, p + n) is mapped. */
static bool is_mapped(const uint8_t *p, uint64_t n)
{
	uint64_t start = (uint64_t)(uintptr_t)p & ~(uint64_t)(PAGE - 1);
	uint64_t end = ((uint64_t)(uintptr_t)p + n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	unsigned char pages[DIRECT_MAX / PAGE + 1];

	return end - start <= sizeof(pages) * PAGE &&
	       mincore((void *)(uintptr_t)start, end - start, pages) == 0;
}

/* As copy_by_kernel, by the fastest way that is safe. */
static uint64_t copy_piece(const struct rp_gpu_map *dm, uint64_t dst, const struct rp_gpu_map *sm,
	uint64_t src, uint64_t n, bool *ret_src_gone)
{
	uint8_t *d = dm->host + (dst - dm->va);
	const uint8_t *s = sm->host + (src - sm->va);
	bool d_user = dm->file_offset < 0, s_user = sm->file_offset < 0;

	if (!d_user && !s_user) {
		memmove(d, s, n);
		return n;
	}
	if (n < DIRECT_MIN || (d < s + n && s < d + n))
		return copy_by_kernel(dm, dst, sm, src, n, ret_src_gone);
	n = n < DIRECT_MAX ? n : DIRECT_MAX;
	if ((d_user && !is_mapped(d, n)) || (s_user && !is_mapped(s, n)) ||
		copy_by_kernel(dm, dst + n - 1, sm, src + n - 1, 1, ret_src_gone) == 0 ||
		copy_by_kernel(dm, dst, sm, src, 1, ret_src_gone) == 0)
		return copy_by_kernel(dm, dst, sm, src, n, ret_src_gone);
	memcpy(d, s, n);
	return n;
}

static uint64_t min3(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t m = a < b ? a : b;

	return m < c ? m : c;
}

int rp_gpu_copy(struct rp_page_table *pt, uint64_t dst, uint64_t src, uint64_t len,
	struct rp_vgpu_fault *ret_fault)
{
	while (len > 0) {
		const struct rp_gpu_map *sm, *dm;
		uint64_t sn = 0, dn = 0, done = 0;
		bool src_gone = false;

		(void)pthread_rwlock_rdlock(&pt->lock);
		sm = access_at(pt, src, RP_GPU_READ, &sn, ret_fault);
		dm = sm ? access_at(pt, dst, RP_GPU_WRITE, &dn, ret_fault) : NULL;
		if (dm) {
			done = copy_piece(dm, dst, sm, src, min3(sn, dn, len < CHUNK ? len : CHUNK),
				&src_gone);
			if (done == 0)
				*ret_fault = (struct rp_vgpu_fault){ src_gone ? src : dst,
					src_gone ? RP_GPU_READ : RP_GPU_WRITE, false, false };
		}
		(void)pthread_rwlock_unlock(&pt->lock);
		if (done == 0)
			return -EFAULT;
		dst += done;
		src += done;
		len -= done;
	}
	return 0;
}

/* A read or fill of memory; buf is the other side. */
static int access_buffer(struct rp_page_table *pt, uint64_t va, void *buf, uint64_t len, bool write,
	struct rp_vgpu_fault *ret_fault)
{
	uint8_t *p = (uint8_t *)buf;

	while (len > 0) {
		const struct rp_gpu_map *m;
		uint64_t n = 0;
		bool ok = false;

		(void)pthread_rwlock_rdlock(&pt->lock);
		m = access_at(pt, va, write ? RP_GPU_WRITE : RP_GPU_READ, &n, ret_fault);
		if (m) {
			uint8_t *host = m->host + (va - m->va);

			n = n < len ? n : len;
			if (m->file_offset >= 0) {
				memcpy(write ? host : p, write ? p : host, n);
				ok = true;
			} else if (write) {
				ok = rp_user_write((uint64_t)(uintptr_t)host, p, n) == 0;
			} else {
				ok = rp_user_read(p, (uint64_t)(uintptr_t)host, n) == 0;
			}
			if (!ok)
				*ret_fault = (struct rp_vgpu_fault){ va,
					(uint8_t)(write ? RP_GPU_WRITE : RP_GPU_READ), false,
					false };
		}
		(void)pthread_rwlock_unlock(&pt->lock);
		if (!ok)
			return -EFAULT;
		va += n;
		p += n;
		len -= n;
	}
	return 0;
}

int rp_gpu_read(struct rp_page_table *pt, uint64_t va, void *dst, uint64_t len,
	struct rp_vgpu_fault *ret_fault)
{
	return access_buffer(pt, va, dst, len, false, ret_fault);
}

int rp_gpu_fill(struct rp_page_table *pt, uint64_t dst, uint32_t value, uint64_t len,
	struct rp_vgpu_fault *ret_fault)
{
	uint32_t block[4096];

	for (size_t i = 0; i < RP_ARRAY_SIZE(block); i++)
		block[i] = value;
	while (len > 0) {
		uint64_t n = len < sizeof(block) ? len : sizeof(block);

		if (access_buffer(pt, dst, block, n, true, ret_fault) < 0)
			return -EFAULT;
		dst += n;
		len -= n;
	}
	return 0;
}
