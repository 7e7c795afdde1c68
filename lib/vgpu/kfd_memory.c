/* SPDX-License-Identifier: MIT */
/*
 * KFD memory: allocations, where they lie in the memory files, and their way into page tables.
 * Errors are those of Linux 6.12 amdkfd/kfd_chardev.c. VRAM and GTT lie in the DRM memory file, so
 * that the program's own mmap of the render node is served by the real kernel.
 */
#include "vgpu/internal.h"

#include <fcntl.h>
#include <inttypes.h>

#define LARGE_ALIGN (UINT64_C(2) << 20)

int rp_heap_init(struct rp_vgpu_heap *h, uint64_t start, uint64_t size)
{
	*h = (struct rp_vgpu_heap){ .total = size };
	if (rp_array_grow(&h->v, &h->cap, 0, sizeof(*h->v)) < 0)
		return -ENOMEM;
	h->v[h->n++] = (struct rp_extent){ start, size };
	return 0;
}

int rp_heap_take(struct rp_vgpu_heap *h, uint64_t size, uint64_t align, uint64_t *ret_start)
{
	for (size_t i = 0; i < h->n; i++) {
		struct rp_extent *e = &h->v[i];
		uint64_t start = (e->start + align - 1) & ~(align - 1), gap = start - e->start;

		if (gap > e->size || e->size - gap < size)
			continue;
		if (gap > 0 && gap + size < e->size) { /* two pieces stay */
			struct rp_extent tail = { start + size, e->size - gap - size };

			if (rp_array_grow(&h->v, &h->cap, h->n, sizeof(*h->v)) < 0)
				return -ENOMEM;
			memmove(&h->v[i + 2], &h->v[i + 1], (h->n - i - 1) * sizeof(*h->v));
			h->v[i].size = gap;
			h->v[i + 1] = tail;
			h->n++;
		} else if (gap > 0) {
			e->size = gap;
		} else if (size < e->size) {
			e->start += size;
			e->size -= size;
		} else {
			memmove(e, e + 1, (h->n - i - 1) * sizeof(*e));
			h->n--;
		}
		h->used += size;
		*ret_start = start;
		return 0;
	}
	return -ENOMEM;
}

void rp_heap_give(struct rp_vgpu_heap *h, uint64_t start, uint64_t size)
{
	size_t i = 0;

	h->used -= size;
	while (i < h->n && h->v[i].start < start)
		i++;
	if (i > 0 && h->v[i - 1].start + h->v[i - 1].size == start) {
		h->v[i - 1].size += size;
		if (i < h->n && h->v[i - 1].start + h->v[i - 1].size == h->v[i].start) {
			h->v[i - 1].size += h->v[i].size;
			memmove(&h->v[i], &h->v[i + 1], (h->n - i - 1) * sizeof(*h->v));
			h->n--;
		}
		return;
	}
	if (i < h->n && start + size == h->v[i].start) {
		h->v[i].start = start;
		h->v[i].size += size;
		return;
	}
	/* without memory for the entry the range stays lost; the program's own memory is gone too */
	if (rp_array_grow(&h->v, &h->cap, h->n, sizeof(*h->v)) < 0)
		return;
	memmove(&h->v[i + 1], &h->v[i], (h->n - i) * sizeof(*h->v));
	h->v[i] = (struct rp_extent){ start, size };
	h->n++;
}

static uint64_t round_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* Caller holds the lock. NULL: no such handle of this process. */
static struct rp_vgpu_mem *find_mem(struct rp_vgpu *vgpu, uint64_t handle)
{
	uint32_t number = (uint32_t)handle;
	struct rp_vgpu_mem *m;

	if (number == 0 || number > vgpu->n_mem)
		return NULL;
	m = vgpu->mem[number - 1];
	return m && GPU_ID(m->gpu) == handle >> 32 ? m : NULL;
}

static int place(struct rp_vgpu *vgpu, int gpu, struct kfd_alloc_memory *a, uint64_t *ret_offset)
{
	struct rp_vgpu_gpu *g = &vgpu->gpu[gpu];
	uint32_t type = a->flags & (KFD_MEM_VRAM | KFD_MEM_GTT | KFD_MEM_USERPTR |
					   KFD_MEM_DOORBELL | KFD_MEM_MMIO);
	uint64_t size = round_up(a->size, PAGE), align = size >= LARGE_ALIGN ? LARGE_ALIGN : PAGE;

	switch (type) {
	case KFD_MEM_VRAM:
		if ((a->flags & KFD_MEM_PUBLIC) && !vgpu->profile.large_bar)
			return -EINVAL;
		return rp_heap_take(&g->vram, size, align, ret_offset);
	case KFD_MEM_GTT:
		return rp_heap_take(&g->gtt, size, align, ret_offset);
	case KFD_MEM_USERPTR:
		return a->mmap_offset == 0 || a->mmap_offset % PAGE != 0 ? -EINVAL : 0;
	case KFD_MEM_DOORBELL:
		*ret_offset = (uint64_t)gpu * KFD_STRIDE;
		return a->size == DOORBELL_BYTES ? 0 : -EINVAL;
	case KFD_MEM_MMIO:
		*ret_offset = (uint64_t)gpu * KFD_STRIDE + MMIO_OFFSET;
		return a->size == PAGE ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

int rp_kfd_alloc(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_alloc_memory *a = (struct kfd_alloc_memory *)args;
	RP_CLEANUP(rp_free_p) struct rp_vgpu_mem *m = calloc(1, sizeof(*m));
	int gpu = rp_vgpu_gpu_index(vgpu, a->gpu_id);
	uint64_t offset = 0;
	int r;

	rp_buf_addf(
		text, "gpu=%d size=%" PRIu64 " flags=0x%08" PRIx32 "=", gpu + 1, a->size, a->flags);
	rp_log_mem_flags(text, a->flags);
	if (!m)
		return -ENOMEM;
	if (a->size == 0 || a->size > DRM_FILE_BYTES || gpu < 0)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	r = place(vgpu, gpu, a, &offset);
	if (r == 0)
		r = rp_array_grow(&vgpu->mem, &vgpu->cap_mem, vgpu->n_mem, sizeof(*vgpu->mem));
	if (r == 0) {
		m->number = (unsigned int)vgpu->n_mem + 1;
		m->va = a->va;
		m->size = a->size;
		m->file_offset = offset;
		m->user = a->flags & KFD_MEM_USERPTR ? a->mmap_offset : 0;
		m->flags = a->flags;
		m->gpu = (uint32_t)gpu;
		a->handle = (uint64_t)a->gpu_id << 32 | m->number;
		if (!(a->flags & KFD_MEM_USERPTR))
			a->mmap_offset = offset;
		rp_buf_addf(text, " -> mem=%u", m->number);
		vgpu->mem[vgpu->n_mem++] = RP_STEAL(m);
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	return r;
}

static int unmap_from(struct rp_vgpu *vgpu, struct rp_vgpu_mem *m, unsigned int gpu)
{
	int r;

	if (!(m->mapped & 1u << gpu))
		return 0;
	r = rp_pt_unmap(&vgpu->gpu[gpu].pt, m->va, round_up(m->size, PAGE));
	if (r == 0)
		m->mapped &= ~(1u << gpu);
	return r;
}

int rp_kfd_free(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	uint64_t handle = *(uint64_t *)args;
	struct rp_vgpu_mem *m;
	struct rp_vgpu_gpu *g;
	uint64_t size;

	rp_buf_addf(text, "mem=%" PRIu32, (uint32_t)handle);
	(void)pthread_mutex_lock(&vgpu->lock);
	m = find_mem(vgpu, handle);
	if (!m) {
		(void)pthread_mutex_unlock(&vgpu->lock);
		return -EINVAL;
	}
	if (m->mapped) { /* amdgpu_amdkfd_gpuvm_free_memory_of_gpu: still mapped */
		(void)pthread_mutex_unlock(&vgpu->lock);
		return -EBUSY;
	}
	g = &vgpu->gpu[m->gpu];
	size = round_up(m->size, PAGE);
	if (m->flags & (KFD_MEM_VRAM | KFD_MEM_GTT)) {
		/* gives the pages back; the next owner finds zeros, as from the driver's clear */
		(void)fallocate(g->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)m->file_offset, (off_t)size);
		rp_heap_give(m->flags & KFD_MEM_VRAM ? &g->vram : &g->gtt, m->file_offset, size);
	}
	vgpu->mem[m->number - 1] = NULL;
	free(m);
	(void)pthread_mutex_unlock(&vgpu->lock);
	return 0;
}

static int map_to(struct rp_vgpu *vgpu, struct rp_vgpu_mem *m, unsigned int gpu)
{
	struct rp_vgpu_gpu *owner = &vgpu->gpu[m->gpu];
	struct rp_gpu_map map = {
		.va = m->va,
		.size = round_up(m->size, PAGE),
		.file_offset = -1,
		.file_fd = -1,
		.flags = m->flags,
		.mem = m->number,
		.rights = RP_GPU_READ,
	};
	const uint32_t coherent = KFD_MEM_COHERENT | KFD_MEM_UNCACHED | KFD_MEM_EXT_COHERENT;
	int r;

	if (m->mapped & 1u << gpu)
		return 0;
	if (m->flags & KFD_MEM_WRITABLE)
		map.rights |= RP_GPU_WRITE;
	if (m->flags & KFD_MEM_EXECUTABLE)
		map.rights |= RP_GPU_EXEC;
	if (m->flags & KFD_MEM_USERPTR) {
		map.host = (uint8_t *)(uintptr_t)m->user;
	} else if (m->flags & (KFD_MEM_DOORBELL | KFD_MEM_MMIO)) {
		map.host = vgpu->kfd_base + m->file_offset;
		map.file_offset = (int64_t)m->file_offset;
		map.file_fd = vgpu->kfd_fd;
	} else {
		map.host = owner->base + m->file_offset;
		map.file_offset = (int64_t)m->file_offset;
		map.file_fd = owner->fd;
	}
	map.poisoned =
		vgpu->profile.strict_mtype && (m->flags & KFD_MEM_VRAM) && (m->flags & coherent);
	r = rp_pt_drop_svm(&vgpu->gpu[gpu].pt, map.va, map.size);
	if (r == 0)
		r = rp_pt_map(&vgpu->gpu[gpu].pt, &map);
	if (r == 0)
		m->mapped |= 1u << gpu;
	return r;
}

static int map_or_unmap(
	struct rp_vgpu *vgpu, struct kfd_map_memory *a, bool map, struct rp_buf *text)
{
	uint32_t ids[RP_VGPU_MAX_GPUS];
	struct rp_vgpu_mem *m;
	int r = 0;

	rp_buf_addf(text, "mem=%" PRIu32 " gpus=", (uint32_t)a->handle);
	if (rp_vgpu_gpu_index(vgpu, (uint32_t)(a->handle >> 32)) < 0 || a->n == 0 ||
		a->n_success > a->n)
		return -EINVAL;
	if (a->n > RP_VGPU_MAX_GPUS)
		return -EINVAL; /* no machine of ours has so many: some id is unknown */
	if (rp_user_read(ids, a->devices, a->n * sizeof(ids[0])) < 0)
		return -EFAULT;
	(void)pthread_mutex_lock(&vgpu->lock);
	m = find_mem(vgpu, a->handle);
	if (!m)
		r = -ENOMEM;
	for (uint32_t i = a->n_success; r == 0 && i < a->n; i++) {
		int gpu = rp_vgpu_gpu_index(vgpu, ids[i]);

		rp_buf_addf(text, "%s%d", i ? "," : "", gpu + 1);
		if (gpu < 0)
			r = -EINVAL;
		else if (map)
			r = map_to(vgpu, m, (unsigned int)gpu);
		else
			r = unmap_from(vgpu, m, (unsigned int)gpu);
		if (r == 0)
			a->n_success = i + 1;
	}
	(void)pthread_mutex_unlock(&vgpu->lock);
	return r;
}

int rp_kfd_map(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	return map_or_unmap(vgpu, (struct kfd_map_memory *)args, true, text);
}

int rp_kfd_unmap(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	return map_or_unmap(vgpu, (struct kfd_map_memory *)args, false, text);
}

int rp_kfd_available(struct rp_vgpu *vgpu, void *args, struct rp_buf *text)
{
	struct kfd_available_memory *a = (struct kfd_available_memory *)args;
	int gpu = rp_vgpu_gpu_index(vgpu, a->gpu_id);
	/* what the driver keeps for itself; a round number, not a measured one */
	const uint64_t reserved = UINT64_C(512) << 20;
	uint64_t left;

	rp_buf_addf(text, "gpu=%d", gpu + 1);
	if (gpu < 0)
		return -EINVAL;
	(void)pthread_mutex_lock(&vgpu->lock);
	left = vgpu->gpu[gpu].vram.total - vgpu->gpu[gpu].vram.used;
	(void)pthread_mutex_unlock(&vgpu->lock);
	a->available = left > reserved ? left - reserved : 0;
	return 0;
}

/*
 * SVM: attributes of ranges of the program's own addresses. Granted access maps the range at the
 * same GPU address; a later setting replaces the mapping. Nothing migrates: there is one memory.
 */
static int svm_set(
	struct rp_vgpu *vgpu, const struct kfd_svm *a, const struct kfd_svm_attribute *at)
{
	uint32_t set = KFD_MEM_WRITABLE | KFD_MEM_USERPTR | KFD_MEM_COHERENT;
	int r = 0;

	for (uint32_t i = 0; i < a->n; i++) /* KFD_IOCTL_SVM_FLAG_COHERENT, _GPU_RO, _GPU_EXEC */
		if (at[i].type == KFD_SVM_SET_FLAGS)
			set |= (at[i].value & 0x2 ? KFD_MEM_COHERENT : 0) |
			       (at[i].value & 0x10 ? KFD_MEM_EXECUTABLE : 0);
		else if (at[i].type == KFD_SVM_CLR_FLAGS)
			set &= ~(at[i].value & 0x2 ? KFD_MEM_COHERENT : 0);
	for (uint32_t i = 0; r == 0 && i < a->n; i++) {
		struct rp_gpu_map map = {
			.va = a->start,
			.size = a->size,
			.host = (uint8_t *)(uintptr_t)a->start,
			.file_offset = -1,
			.file_fd = -1,
			.flags = set,
			.rights = RP_GPU_READ | RP_GPU_WRITE | RP_GPU_EXEC,
		};
		int gpu;

		if (at[i].type != KFD_SVM_ACCESS && at[i].type != KFD_SVM_ACCESS_IN_PLACE &&
			at[i].type != KFD_SVM_NO_ACCESS)
			continue;
		gpu = rp_vgpu_gpu_index(vgpu, at[i].value);
		if (gpu < 0)
			return -EINVAL;
		r = rp_pt_unmap(&vgpu->gpu[gpu].pt, a->start, a->size);
		if (r == 0 && at[i].type != KFD_SVM_NO_ACCESS)
			r = rp_pt_map(&vgpu->gpu[gpu].pt, &map);
	}
	return r;
}

int rp_kfd_svm(struct rp_vgpu *vgpu, uint64_t user, void *args, struct rp_buf *text)
{
	static const char *const names[] = { "PREFERRED_LOC", "PREFETCH_LOC", "ACCESS",
		"ACCESS_IN_PLACE", "NO_ACCESS", "SET_FLAGS", "CLR_FLAGS", "GRANULARITY" };
	struct kfd_svm *a = (struct kfd_svm *)args;
	struct kfd_svm_attribute at[64];

	rp_buf_addf(text, "%s size=%" PRIu64,
		a->op == 0   ? "set"
		: a->op == 1 ? "get"
			     : "op?",
		a->size);
	if (!vgpu->profile.svm)
		return -EPERM;
	if (a->start % PAGE || a->size % PAGE || a->size == 0 || a->n == 0 || a->op > 1)
		return -EINVAL;
	if (a->n > RP_ARRAY_SIZE(at))
		return -ENOMEM; /* far more than any caller passes */
	if (rp_user_read(at, user + sizeof(*a), a->n * sizeof(at[0])) < 0)
		return -EFAULT;
	for (uint32_t i = 0; i < a->n; i++) {
		int gpu = rp_vgpu_gpu_index(vgpu, at[i].value);

		if (at[i].type >= RP_ARRAY_SIZE(names))
			return -EINVAL;
		if (at[i].type <= KFD_SVM_NO_ACCESS)
			rp_buf_addf(text, " %s=gpu%d", names[at[i].type], gpu + 1);
		else
			rp_buf_addf(text, " %s=0x%" PRIx32, names[at[i].type], at[i].value);
	}
	if (a->op == 1) {
		rp_vgpu_note(vgpu, "SVM get_attr");
		return -EINVAL;
	}
	return svm_set(vgpu, a, at);
}
