/* SPDX-License-Identifier: MIT */
/*
 * The calls of a DRM node that libdrm_amdgpu makes for ROCm: version, client, and the device info
 * queries. No buffers and no command submission: ROCm uses KFD for those. What is not modelled is
 * EINVAL, as in Linux drm_ioctl.c and amdgpu_kms.c for a call or query they do not know.
 */
#include "vgpu/internal.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int string_out(uint64_t *len, uint64_t user, const char *s)
{
	uint64_t n = strlen(s), room = *len;

	*len = n;
	if (!user || room == 0)
		return 0;
	return rp_user_write(user, s, n < room ? n : room);
}

static int version(uint64_t user)
{
	struct drm_version_args a;

	if (rp_user_read(&a, user, sizeof(a)) < 0)
		return -EFAULT;
	a.major = 3;
	a.minor = 57;
	a.patch = 0;
	if (string_out(&a.name_len, a.name, "amdgpu") < 0 ||
		string_out(&a.date_len, a.date, "20150101") < 0 ||
		string_out(&a.desc_len, a.desc, "AMD GPU") < 0)
		return -EFAULT;
	return rp_user_write(user, &a, sizeof(a));
}

static int client(uint64_t user)
{
	struct drm_client_args a;

	if (rp_user_read(&a, user, sizeof(a)) < 0)
		return -EFAULT;
	if (a.idx != 0)
		return -EINVAL;
	a.auth = 1;
	a.pid = (uint64_t)getpid();
	a.uid = getuid();
	a.magic = a.iocs = 0;
	return rp_user_write(user, &a, sizeof(a));
}

static struct drm_dev_info dev_info(const struct rp_vgpu_profile *p)
{
	struct drm_dev_info d = {
		.device_id = p->device,
		.pci_rev = p->revision,
		.family = p->family,
		.engines = p->engines,
		.arrays_per_engine = p->arrays_per_engine,
		.counter_khz = 100000,
		.max_engine_khz = (uint64_t)p->engine_mhz * 1000,
		.max_memory_khz = (uint64_t)p->memory_mhz * 1000,
		.cu_active = p->cus,
		.hw_contexts = 8,
		.va_offset = 0x200000,
		.va_max = UINT64_C(1) << 47,
		.va_alignment = PAGE,
		.pte_fragment_size = 2 << 20,
		.gart_page_size = PAGE,
		.vram_type = 9, /* AMDGPU_VRAM_TYPE_GDDR6 */
		.vram_bits = p->bus_bits,
		.wave_size = 32,
		.visible_vgprs = p->chip->vgprs,
		.cus_per_array = p->cus_per_array,
		.high_va_offset = UINT64_C(0xffff800000000000),
		.high_va_max = UINT64_C(0xffffffffffe00000),
	};
	uint32_t arrays = p->engines * p->arrays_per_engine, left = p->cus;

	/* active CUs in pairs (a WGP), spread over the arrays as evenly as they go */
	for (uint32_t i = 0; i < arrays; i++) {
		uint32_t n = left / (arrays - i);

		n += n % 2;
		n = n < p->cus_per_array ? n : p->cus_per_array;
		d.cu_bitmap[i / p->arrays_per_engine][i % p->arrays_per_engine] =
			d.cu_ao_bitmap[i / p->arrays_per_engine][i % p->arrays_per_engine] =
				(uint32_t)((UINT64_C(1) << n) - 1);
		left -= n < left ? n : left;
	}
	return d;
}

/* min(what was asked for, what there is), as the kernel does. */
static int answer(const struct drm_info_args *a, const void *data, size_t n)
{
	return rp_user_write(a->pointer, data, a->size < n ? a->size : n);
}

static int memory_info(struct rp_vgpu *vgpu, unsigned int gpu, const struct drm_info_args *a)
{
	/* struct drm_amdgpu_memory_info: three heaps of {total, usable, usage, max allocation} */
	uint64_t total = vgpu->gpu[gpu].vram.total, used, visible, v[12];

	(void)pthread_mutex_lock(&vgpu->lock);
	used = vgpu->gpu[gpu].vram.used;
	(void)pthread_mutex_unlock(&vgpu->lock);
	visible = vgpu->profile.large_bar ? total : UINT64_C(256) << 20;
	memcpy(v,
		(uint64_t[]){ total, total, used, total * 3 / 4, visible, visible, 0,
			visible * 3 / 4, GTT_BYTES, GTT_BYTES, vgpu->gpu[gpu].gtt.used,
			GTT_BYTES * 3 / 4 },
		sizeof(v));
	return answer(a, v, sizeof(v));
}

static int info(struct rp_vgpu *vgpu, unsigned int gpu, uint64_t user, struct rp_buf *text)
{
	struct drm_info_args a;
	struct drm_dev_info d;
	uint32_t value;

	if (rp_user_read(&a, user, sizeof(a)) < 0)
		return -EFAULT;
	switch (a.query) {
	case DRM_INFO_ACCEL_WORKING:
		rp_buf_adds(text, "query=accel_working");
		value = 1;
		return answer(&a, &value, sizeof(value));
	case DRM_INFO_HW_IP_COUNT:
		rp_buf_adds(text, "query=hw_ip_count");
		value = 0;
		return answer(&a, &value, sizeof(value));
	case DRM_INFO_READ_MMR_REG:
		rp_buf_addf(text, "query=read_mmr_reg register=0x%" PRIx32, a.rest[0]);
		value = vgpu->profile.gb_addr_config; /* the one register that libdrm reads here */
		return answer(&a, &value, sizeof(value));
	case DRM_INFO_DEV_INFO:
		rp_buf_addf(text, "query=dev_info size=%" PRIu32, a.size);
		d = dev_info(&vgpu->profile);
		return answer(&a, &d, sizeof(d));
	case DRM_INFO_MEMORY:
		rp_buf_adds(text, "query=memory");
		return memory_info(vgpu, gpu, &a);
	default:
		rp_buf_addf(text, "query=0x%02" PRIx32, a.query);
		rp_vgpu_note(vgpu, "DRM info query 0x%02" PRIx32, a.query);
		return -EINVAL;
	}
}

int rp_drm_ioctl(struct rp_vgpu *vgpu, unsigned int gpu, unsigned long request, uint64_t user)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	unsigned int nr = _IOC_NR(request);
	const char *name = "unknown";
	int r;

	switch (nr) {
	case DRM_VERSION:
		name = "version";
		r = version(user);
		break;
	case DRM_GET_CLIENT:
		name = "get_client";
		r = client(user);
		break;
	case DRM_AMDGPU_INFO:
		name = "info";
		r = info(vgpu, gpu, user, &text);
		break;
	default:
		rp_buf_addf(&text, "nr=0x%02x size=%u", nr, (unsigned int)_IOC_SIZE(request));
		rp_vgpu_note(vgpu, "DRM call number 0x%02x", nr);
		r = -EINVAL;
		break;
	}
	if (rp_log_on(&vgpu->log))
		rp_log_linef(&vgpu->log, false, "drm %s gpu=%u%s%s%s%s", name, gpu + 1,
			text.n ? " " : "", rp_buf_cstr(&text), r < 0 ? " failed=" : "",
			r < 0 ? rp_log_errno(r) : "");
	return r;
}
