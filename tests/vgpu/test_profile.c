/* SPDX-License-Identifier: MIT */
/* Profiles, the tree made of one, paths, and recordings made comparable. */
#include "device.h"

static void test_profiles(void **state)
{
	static const char *const bad[] = { "rx-5600-xt,gpus=0", "rx-5600-xt,gpus=5",
		"rx-5600-xt,kfd=1.10", "rx-5600-xt,kfd=2.0", "rx-5600-xt,cus=1",
		"rx-5600-xt,large_bar", "rx-5600-xt,", "rx-5600-xt,svm=2",
		"rx-5600-xt,defects=flat_offset_ignored", "rx-5600-xt,defects=-flat-offset",
		"rx-5600-xt,defects=-no_null_sdst", "rx-5600-xt,defects=nonesuch",
		"rx-5600-xt,defects=+" };
	static const struct {
		const char *name, *chip;
		uint32_t gfx;
	} all[] = {
		{ "rx-5500-xt", "gfx1012", 100102 },
		{ "pro-w5500", "gfx1012", 100102 },
		{ "rx-5600-xt", "gfx1010", 100100 },
		{ "rx-5700-xt", "gfx1010", 100100 },
		{ "rx-6600", "gfx1032", 100302 },
		{ "rx-6700-xt", "gfx1031", 100301 },
		{ "rx-6800-xt", "gfx1030", 100300 },
	};
	struct rp_error err = RP_ERROR_INIT;
	struct rp_vgpu_profile p, again;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(all); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		const struct rp_chip_pci *pci;

		if (rp_vgpu_profile_load(AT_FDCWD, PROFILES, all[i].name, &p, &err) < 0)
			fail_msg("%s", err.text);
		assert_string_equal(p.chip->name, all[i].chip);
		assert_int_equal(rp_vgpu_gfx_version(&p), all[i].gfx);
		/* the profile and the chip table must tell the same card */
		pci = rp_chip_by_pci((uint16_t)p.device, (uint8_t)p.revision);
		assert_non_null(pci);
		assert_string_equal(pci->target, p.chip->name);
		assert_string_equal(pci->product, p.product);
		rp_vgpu_profile_write(&p, &text);
		assert_int_equal(
			rp_vgpu_profile_parse(rp_buf_span(&text), "text", &again, &err), 0);
		assert_memory_equal(&p, &again, sizeof(p));
	}
	for (size_t i = 0; i < RP_ARRAY_SIZE(bad); i++)
		assert_int_equal(
			rp_vgpu_profile_load(AT_FDCWD, PROFILES, bad[i], &p, &err), -EINVAL);
	assert_int_equal(rp_vgpu_profile_load(AT_FDCWD, PROFILES, "rx-9999", &p, &err), -ENOENT);
	assert_non_null(strstr(err.text, "rx-5600-xt"));
	assert_int_equal(rp_vgpu_profile_load(AT_FDCWD, PROFILES, "../x", &p, &err), -ENOENT);
	assert_int_equal(
		rp_vgpu_profile_load(AT_FDCWD, PROFILES,
			"rx-5600-xt,kfd=1.11,gpus=2,vram_mib=4096,large_bar=1,atomics=0", &p, &err),
		0);
	assert_int_equal(p.kfd_minor, 11);
	assert_int_equal(p.gpus, 2);
	assert_int_equal(p.atomics, 0);
}

/* Switches against the chip, and what a tree carries of them. */
static void test_defects(void **state)
{
	static const struct {
		const char *spec, *text;
	} cases[] = {
		{ "rx-5600-xt", "" },
		{ "rx-5600-xt,defects=", "" },
		{ "rx-5600-xt,defects=-branch_3f-inst_prefetch_hang",
			"-inst_prefetch_hang-branch_3f" },
		{ "rx-5600-xt,defects=-branch_3f+branch_3f", "" },
		{ "rx-6800-xt,defects=+flat_offset_ignored", "+flat_offset_ignored" },
		{ "rx-6800-xt,defects=none", "" },
		{ "rx-5600-xt,defects=none+flat_offset_ignored+hazard_vmem_to_scalar",
			"-inst_prefetch_hang-branch_3f-lds_misaligned_wgp-scratch_negative_offset"
			"-hazard_smem_to_vector-hazard_vcmpx_exec_war-hazard_vcmpx_permlane"
			"-hazard_lds_branch_vmem-hazard_nsa_to_vmem" },
	};
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++) {
		RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
		RP_CLEANUP(rp_buf_free) struct rp_buf changes = RP_BUF_INIT;
		struct rp_vgpu_profile p, again;

		if (rp_vgpu_profile_load(AT_FDCWD, PROFILES, cases[i].spec, &p, &err) < 0)
			fail_msg("%s", err.text);
		rp_vgpu_defects_text(&p, &changes);
		assert_string_equal(rp_buf_cstr(&changes), cases[i].text);
		rp_vgpu_profile_write(&p, &text);
		assert_int_equal(
			rp_vgpu_profile_parse(rp_buf_span(&text), "text", &again, &err), 0);
		assert_true(again.features == p.features);
	}
}

static void test_chips(void **state)
{
	struct rp_error err = RP_ERROR_INIT;
	RP_CLEANUP(rp_free_p) char *spec = NULL;

	(void)state;
	assert_int_equal(rp_vgpu_profile_for_chip(AT_FDCWD, PROFILES, "gfx1010", &spec, &err), 0);
	assert_string_equal(spec, "rx-5600-xt");
	assert_int_equal(
		rp_vgpu_profile_for_chip(AT_FDCWD, PROFILES, "gfx906", &spec, &err), -ENOENT);
	assert_non_null(strstr(err.text, "gfx1030"));
}

static const char *text_of(const struct rp_vgpu_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->v[i].path, path) == 0)
			return files->v[i].text;
	return "";
}

#define TOPOLOGY "sys/devices/virtual/kfd/kfd/topology/nodes/"

static void test_files(void **state)
{
	RP_CLEANUP(rp_vgpu_files_free) struct rp_vgpu_files files = RP_VGPU_FILES_INIT;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_vgpu_profile p;

	(void)state;
	assert_int_equal(
		rp_vgpu_profile_load(AT_FDCWD, PROFILES, "rx-5600-xt,gpus=2,atomics=0", &p, &err),
		0);
	assert_int_equal(rp_vgpu_files(&p, 8, &files, &err), 0);
	assert_non_null(
		strstr(text_of(&files, TOPOLOGY "1/properties"), "gfx_target_version 100100\n"));
	assert_non_null(strstr(text_of(&files, TOPOLOGY "2/properties"), "drm_render_minor 129\n"));
	assert_string_equal(text_of(&files, TOPOLOGY "2/gpu_id"), "4661\n");
	assert_non_null(strstr(text_of(&files, TOPOLOGY "1/io_links/0/properties"), "flags 13\n"));
	/* a link from the CPU would say that it sees all of the card's memory */
	assert_non_null(strstr(text_of(&files, TOPOLOGY "0/properties"), "io_links_count 0\n"));
	assert_string_equal(text_of(&files, TOPOLOGY "0/io_links/0/properties"), "");
	rp_vgpu_files_free(&files);
	p.large_bar = 1;
	assert_int_equal(rp_vgpu_files(&p, 8, &files, &err), 0);
	assert_non_null(strstr(text_of(&files, TOPOLOGY "0/io_links/1/properties"), "node_to 2\n"));
}

static void test_tree(void **state)
{
	RP_CLEANUP(rp_vgpu_files_free) struct rp_vgpu_files files = RP_VGPU_FILES_INIT;
	RP_CLEANUP(rp_free_p) char *one = NULL;
	RP_CLEANUP(rp_free_p) char *two = NULL;
	RP_CLEANUP(rp_free_p) char *path = NULL;
	char dir[] = "/tmp/rp-vgpu-XXXXXX", target[128];
	struct rp_error err = RP_ERROR_INIT;
	struct rp_vgpu_profile p;
	ssize_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(rp_vgpu_profile_load(AT_FDCWD, PROFILES, "rx-6600", &p, &err), 0);
	assert_int_equal(rp_vgpu_files(&p, 8, &files, &err), 0);
	assert_int_equal(rp_vgpu_tree(&files, dir, &one, &err), 0);
	assert_int_equal(rp_vgpu_tree(&files, dir, &two, &err), 0);
	assert_string_equal(one, two);
	path = rp_asprintf("%s/sys/class/kfd/kfd", one);
	n = readlink(path, target, sizeof(target));
	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, "../../devices/virtual/kfd/kfd");
	assert_int_equal(rp_remove_tree(AT_FDCWD, dir, &err), 0);
}

static void test_paths(void **state)
{
	static const char *const ours[] = { "/dev/kfd", "/dev/dri", "/dev/dri/card0",
		"/sys/class/kfd/kfd/topology", "/sys/dev/char/226:128/device", "/sys/module/amdgpu",
		"/proc/modules" };
	static const char *const others[] = { "/dev/kfd2", "/dev/null", "dev/kfd",
		"/sys/class/drmx", "/sys/module/amd", "/proc/modules2", "/", "",
		"/sys/dev/char/22:1" };
	unsigned int gpu = 9;

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(ours); i++)
		assert_true(rp_vgpu_owns_path(ours[i]));
	for (size_t i = 0; i < RP_ARRAY_SIZE(others); i++)
		assert_false(rp_vgpu_owns_path(others[i]));
	assert_int_equal(rp_vgpu_node_of_path("/dev/dri/renderD129", &gpu), RP_VGPU_DRM);
	assert_int_equal(gpu, 1);
	assert_int_equal(rp_vgpu_node_of_path("/dev/dri/renderD1", &gpu), RP_VGPU_NOT);
	assert_int_equal(rp_vgpu_node_of_path("/dev/dri", &gpu), RP_VGPU_NOT);
}

#define HEAD "# rocm-patch driver log 1\n"

static void test_normalise(void **state)
{
	static const char a[] =
		HEAD "1:x t0 start profile=p kfd=1.17 gpus=1\n"
		     "1:x t2 kfd map_memory mem=12 gpus=1\n"
		     "~1:x t1 kfd wait_events events=3,14 -> timeout\n"
		     "1:x t1 kfd alloc_memory gpu=1 size=12 flags=0x90000001=VRAM -> mem=7\n"
		     "1:x t1 kfd create_event type=memory page=mem2 -> event=1\n";
	static const char *const bad[] = { "", "x", HEAD "what\n", HEAD "1:x t1\n",
		HEAD "1:x z1 a\n" };
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;

	(void)state;
	assert_int_equal(rp_vgpu_log_normalise(rp_span_str(a), "a", false, &b, &err), 0);
	assert_string_equal(rp_buf_cstr(&b),
		"== 1:x t0\nstart profile=p kfd=1.17 gpus=1\n"
		"== 1:x t1\nkfd alloc_memory gpu=1 size=12 flags=0x90000001=VRAM -> mem=#\n"
		"kfd create_event type=memory page=mem# -> event=#\n"
		"== 1:x t2\nkfd map_memory mem=# gpus=1\n");
	rp_buf_clear(&b);
	assert_int_equal(rp_vgpu_log_normalise(rp_span_str(a), "a", true, &b, &err), 0);
	assert_non_null(strstr(rp_buf_cstr(&b), "wait_events events=#,"));
	for (size_t i = 0; i < RP_ARRAY_SIZE(bad); i++)
		assert_int_equal(
			rp_vgpu_log_normalise(rp_span_str(bad[i]), "b", false, &b, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_defects),
		cmocka_unit_test(test_chips),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_normalise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
