/* SPDX-License-Identifier: MIT */
/*
 * Profiles: data/profiles/NAME.ini, one card each, with overrides for the machine around it. The
 * same reader takes the text that a tree carries, so that a process needs nothing but the tree.
 */
#include "vgpu/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

struct number {
	const char *key;
	size_t offset;
	uint32_t min, max;
	bool may_override;
};

#define FIELD(key, min, max, over)                                          \
	{                                                                   \
#key, offsetof(struct rp_vgpu_profile, key), min, max, over \
	}
static const struct number numbers[] = {
	FIELD(device, 1, 0xffff, false),
	FIELD(revision, 0, 0xff, false),
	FIELD(family, 1, 0xffff, false),
	FIELD(gb_addr_config, 0, UINT32_MAX, false),
	FIELD(engines, 1, 4, false),
	FIELD(arrays_per_engine, 1, 4, false),
	FIELD(cus_per_array, 1, 32, false),
	FIELD(cus, 1, 512, false),
	FIELD(engine_mhz, 1, 10000, false),
	FIELD(memory_mhz, 1, 10000, false),
	FIELD(bus_bits, 32, 8192, false),
	FIELD(vram_mib, 1024, 48 * 1024, true),
	FIELD(l1_kib, 1, 1024, false),
	FIELD(l2_kib, 1, 1u << 20, false),
	FIELD(l3_kib, 0, 1u << 20, false),
	FIELD(mec_firmware, 1, 0xffff, true),
	FIELD(sdma_firmware, 1, 0xffff, false),
	FIELD(sdma_count_bits, 22, 30, false),
	FIELD(gpus, 1, RP_VGPU_MAX_GPUS, true),
	FIELD(large_bar, 0, 1, true),
	FIELD(atomics, 0, 1, true),
	FIELD(svm, 0, 1, true),
	FIELD(gws, 0, 1, true),
	FIELD(exceptions, 0, 1, true),
	FIELD(strict_mtype, 0, 1, true),
};

#define KFD_OLDEST 11u /* Linux 6.1, Debian 12 */
#define KFD_NEWEST 17u

static uint32_t *field(struct rp_vgpu_profile *p, const struct number *n)
{
	return (uint32_t *)(void *)((char *)p + n->offset);
}

static int set_kfd(
	struct rp_vgpu_profile *p, const char *value, const char *what, struct rp_error *err)
{
	uint64_t minor;

	if (strncmp(value, "1.", 2) != 0 || !rp_span_number(rp_span_str(value + 2), &minor) ||
		minor < KFD_OLDEST || minor > KFD_NEWEST)
		return RP_FAIL(err, -EINVAL, "%s: kfd=%s: expected 1.%u to 1.%u", what, value,
			KFD_OLDEST, KFD_NEWEST);
	p->kfd_minor = (uint32_t)minor;
	return 0;
}

static int set_number(struct rp_vgpu_profile *p, const struct number *n, const char *value,
	const char *what, struct rp_error *err)
{
	uint64_t v;

	if (!rp_span_number(rp_span_str(value), &v) || v < n->min || v > n->max)
		return RP_FAIL(err, -EINVAL,
			"%s: %s=%s: expected a number from %" PRIu32 " to %" PRIu32, what, n->key,
			value, n->min, n->max);
	*field(p, n) = (uint32_t)v;
	return 0;
}

int rp_vgpu_defects(struct rp_vgpu_profile *p, const char *changes, struct rp_error *err)
{
	uint64_t features = p->features, switchable = rp_exec_switchable();
	const char *at = changes;

	if (strncmp(at, "none", 4) == 0 && (at[4] == '\0' || at[4] == '+' || at[4] == '-')) {
		features &= ~switchable;
		at += 4;
	}
	while (*at) {
		size_t n = strcspn(at + 1, "+-");
		int f = rp_chip_feature_by_name(rp_span_of(at + 1, n));

		if (*at != '+' && *at != '-')
			return RP_FAIL(err, -EINVAL,
				"defects=%s: expected \"none\" or +NAME, -NAME at \"%s\"", changes,
				at);
		if (f < 0 || !(switchable >> f & 1))
			return RP_FAIL(err, -EINVAL, "defects=%s: %s \"%.*s\"", changes,
				f < 0 ? "no defect or hazard of the chip table is called"
				      : "the virtual card has no switch for",
				(int)n, at + 1);
		if (*at == '+')
			features |= UINT64_C(1) << f;
		else
			features &= ~(UINT64_C(1) << f);
		at += n + 1;
	}
	p->features = features;
	return 0;
}

void rp_vgpu_defects_text(const struct rp_vgpu_profile *p, struct rp_buf *ret)
{
	for (unsigned int f = 0; f < RP_CHIP_FEATURE_MAX; f++)
		if ((p->features ^ p->chip->features) >> f & 1)
			rp_buf_addf(ret, "%c%s", p->features >> f & 1 ? '+' : '-',
				rp_chip_feature_info(f)->name);
}

int rp_vgpu_profile_parse(
	struct rp_span text, const char *name, struct rp_vgpu_profile *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
	static const char *const fixed[] = { "name", "product", "chip", "kfd", "default", "source",
		"defects" };
	const char *keys[RP_ARRAY_SIZE(numbers) + RP_ARRAY_SIZE(fixed) + 1];
	struct rp_vgpu_profile p = { .kfd_minor = KFD_NEWEST };
	const char *value = "";
	size_t k = 0;
	int r;

	for (size_t i = 0; i < RP_ARRAY_SIZE(numbers); i++)
		keys[k++] = numbers[i].key;
	for (size_t i = 0; i < RP_ARRAY_SIZE(fixed); i++)
		keys[k++] = fixed[i];
	keys[k] = NULL;
	r = rp_ini_parse(text, name, &ini, err);
	if (r == 0)
		r = rp_ini_only(&ini, "card", keys, err);
	for (size_t i = 0; r == 0 && i < RP_ARRAY_SIZE(numbers); i++) {
		r = rp_ini_need(&ini, "card", numbers[i].key, &value, err);
		if (r == 0 && set_number(&p, &numbers[i], value, name, err) < 0)
			r = -EBADMSG;
	}
	if (r == 0)
		r = rp_ini_need(&ini, "card", "name", &value, err);
	if (r == 0 && (size_t)snprintf(p.name, sizeof(p.name), "%s", value) >= sizeof(p.name))
		r = RP_FAIL(err, -EBADMSG, "%s: the name is too long", name);
	if (r == 0)
		r = rp_ini_need(&ini, "card", "product", &value, err);
	if (r == 0 &&
		(size_t)snprintf(p.product, sizeof(p.product), "%s", value) >= sizeof(p.product))
		r = RP_FAIL(err, -EBADMSG, "%s: the product is too long", name);
	if (r == 0)
		r = rp_ini_need(&ini, "card", "kfd", &value, err);
	if (r == 0 && set_kfd(&p, value, name, err) < 0)
		r = -EBADMSG;
	if (r == 0)
		r = rp_ini_need(&ini, "card", "chip", &value, err);
	if (r < 0)
		return r;
	p.chip = rp_chip_by_name(rp_span_str(value));
	if (!p.chip || p.chip->isa == 0 || p.chip->is_generic || p.chip->is_apu)
		return RP_FAIL(err, -EBADMSG, "%s: chip %s is no discrete gfx10 chip of the table",
			name, value);
	p.features = p.chip->features;
	value = rp_ini_get(&ini, "card", "defects");
	if (value && rp_vgpu_defects(&p, value, err) < 0)
		return -EBADMSG;
	if (p.cus > p.engines * p.arrays_per_engine * p.cus_per_array || p.cus % 2 != 0)
		return RP_FAIL(
			err, -EBADMSG, "%s: %" PRIu32 " CUs do not fit the arrays", name, p.cus);
	*ret = p;
	return 0;
}

void rp_vgpu_profile_write(const struct rp_vgpu_profile *p, struct rp_buf *ret)
{
	struct rp_vgpu_profile copy = *p;

	rp_buf_addf(ret, "[card]\nname = %s\nproduct = %s\nchip = %s\nkfd = 1.%" PRIu32 "\n",
		p->name, p->product, p->chip->name, p->kfd_minor);
	for (size_t i = 0; i < RP_ARRAY_SIZE(numbers); i++)
		rp_buf_addf(ret, "%s = %" PRIu32 "\n", numbers[i].key, *field(&copy, &numbers[i]));
	if (p->features != p->chip->features) {
		rp_buf_addf(ret, "defects = ");
		rp_vgpu_defects_text(p, ret);
		rp_buf_addf(ret, "\n");
	}
}

static int override(struct rp_vgpu_profile *p, char *item, struct rp_error *err)
{
	char *eq = strchr(item, '=');

	if (!eq)
		return RP_FAIL(err, -EINVAL, "profile option \"%s\": expected KEY=VALUE", item);
	*eq = '\0';
	if (strcmp(item, "kfd") == 0)
		return set_kfd(p, eq + 1, "profile option", err);
	if (strcmp(item, "defects") == 0)
		return rp_vgpu_defects(p, eq + 1, err);
	for (size_t i = 0; i < RP_ARRAY_SIZE(numbers); i++)
		if (numbers[i].may_override && strcmp(item, numbers[i].key) == 0)
			return set_number(p, &numbers[i], eq + 1, "profile option", err);
	return RP_FAIL(err, -EINVAL,
		"profile option \"%s\": expected kfd, gpus, vram_mib, mec_firmware, large_bar, "
		"atomics, svm, gws, "
		"exceptions, strict_mtype or defects",
		item);
}

static int list(int dirfd, const char *dir, struct rp_strv *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "%s", dir);
	return rp_list_dir(fd, dir, ret, err);
}

static int unknown(int dirfd, const char *dir, const char *name, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r = list(dirfd, dir, &names, err);

	if (r < 0)
		return r;
	RP_STRV_FOREACH (entry, &names) {
		size_t n = strlen(*entry);

		if (n > 4 && strcmp(*entry + n - 4, ".ini") == 0)
			rp_buf_addf(&text, " %.*s", (int)(n - 4), *entry);
	}
	return RP_FAIL(err, -ENOENT, "no profile \"%s\"; there are:%s", name, rp_buf_cstr(&text));
}

static int read_one(int dirfd, const char *dir, const char *name, struct rp_buf *text,
	struct rp_vgpu_profile *ret, struct rp_error *err)
{
	RP_CLEANUP(rp_free_p) char *path = rp_asprintf("%s/%s.ini", dir, name);
	int r;

	if (!path)
		return RP_NOMEM(err);
	r = rp_file_read(dirfd, path, 1u << 16, text, err);
	return r < 0 ? r : rp_vgpu_profile_parse(rp_buf_span(text), path, ret, err);
}

int rp_vgpu_profile_load(int dirfd, const char *dir, const char *spec, struct rp_vgpu_profile *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p) char *copy = strdup(spec);
	struct rp_vgpu_profile p;
	char *rest = copy, *name;
	int r;

	if (!copy)
		return RP_NOMEM(err);
	name = strsep(&rest, ",");
	if (name[0] == '\0' || strchr(name, '/'))
		return unknown(dirfd, dir, name, err);
	r = read_one(dirfd, dir, name, &text, &p, err);
	if (r == -ENOENT)
		return unknown(dirfd, dir, name, err);
	while (r == 0 && rest)
		r = override(&p, strsep(&rest, ","), err);
	if (r < 0)
		return r;
	*ret = p;
	return 0;
}

int rp_vgpu_profile_for_chip(
	int dirfd, const char *dir, const char *chip, char **ret, struct rp_error *err)
{
	RP_CLEANUP(rp_strv_free) struct rp_strv names = RP_STRV_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf chips = RP_BUF_INIT;
	int r = list(dirfd, dir, &names, err);

	RP_STRV_FOREACH (entry, &names) {
		RP_CLEANUP(rp_ini_free) struct rp_ini ini = RP_INI_INIT;
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		struct rp_vgpu_profile p;
		const char *is_default;
		size_t n = strlen(*entry);

		if (r < 0 || n <= 4 || strcmp(*entry + n - 4, ".ini") != 0)
			continue;
		(*entry)[n - 4] = '\0';
		r = read_one(dirfd, dir, *entry, &text, &p, err);
		if (r == 0)
			r = rp_ini_parse(rp_buf_span(&text), *entry, &ini, err);
		is_default = r == 0 ? rp_ini_get(&ini, "card", "default") : NULL;
		if (!is_default || strcmp(is_default, "yes") != 0)
			continue;
		rp_buf_addf(&chips, " %s", p.chip->name);
		if (strcmp(p.chip->name, chip) == 0) {
			*ret = strdup(*entry);
			return *ret ? 0 : RP_NOMEM(err);
		}
	}
	if (r < 0)
		return r;
	return RP_FAIL(err, -ENOENT, "no virtual card has the chip \"%s\"; there are:%s", chip,
		rp_buf_cstr(&chips));
}

uint32_t rp_vgpu_gfx_version(const struct rp_vgpu_profile *p)
{
	/* "gfx" MAJOR, one digit MINOR, one hexadecimal digit STEPPING: AMDGPUUsage, "Processors". */
	unsigned int major = 0, minor = 0, step = 0;
	const char *digits = p->chip->name + 3;
	size_t n = strlen(digits);

	for (size_t i = 0; i + 2 < n; i++)
		major = major * 10 + (unsigned int)(digits[i] - '0');
	minor = (unsigned int)(digits[n - 2] - '0');
	(void)sscanf(digits + n - 1, "%x", &step);
	return major * 10000 + minor * 100 + step;
}
