/* SPDX-License-Identifier: MIT */
/* Kernels that really run: from an AQL packet to memory, and what stops one back to the runtime's signal, the log and the user. */
#include "device.h"

struct signal { /* amd_signal_t */
	int64_t kind, value;
	uint64_t mailbox;
	uint32_t event, pad;
	uint64_t start, end, more[2];
};

/* A queue with one kernel behind it: the descriptor at the start of a page, its code 256 bytes on. */
struct kernel {
	struct device d;
	struct ring r;
	uint8_t *image;
	uint32_t *kernarg; /* what s[0:1] point to */
	struct signal *done, *inactive;
	char said[4096];
};

static void on_say(void *data, const char *text)
{
	struct kernel *k = data;
	size_t n = strlen(k->said);

	(void)snprintf(k->said + n, sizeof(k->said) - n, "%s\n", text);
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static const char *report; /* of the kernels opened next */

static void kernel_open(struct kernel *k, const char *spec, const char *log, enum rp_exec_hazards h)
{
	struct rp_vgpu_options o = { .log = log,
		.report = report,
		.execute = true,
		.hazards = h,
		.say = on_say,
		.say_data = k };
	uint64_t va;
	uint8_t *page;

	memset(k, 0, sizeof(*k));
	device_open_with(&k->d, spec, &o);
	ring_open(&k->d, &k->r, KFD_QUEUE_AQL, 4 * AQL_PACKET);
	k->image = (uint8_t *)user_memory(&k->d, PAGE, NULL);
	page = (uint8_t *)user_memory(&k->d, PAGE, NULL);
	k->kernarg = (uint32_t *)(void *)page;
	k->done = (struct signal *)(void *)(page + 1024);
	k->inactive = (struct signal *)(void *)(page + 2048);
	va = (uint64_t)(uintptr_t)k->inactive;
	memcpy(k->r.queue + AQL_QUEUE_INACTIVE_SIGNAL, &va, 8);
	put32(k->image + 16, 256); /* entry_offset */
	put32(k->image + 48, 0xf0u << 12); /* rsrc1: denormals */
	put32(k->image + 52, 2 << 1 | 1 << 7); /* rsrc2: two user SGPRs, work-group id x */
	put32(k->image + 56, 1u << 10 | 1u << 3); /* wave32, kernarg pointer */
}

static void kernel_start(struct kernel *k, const uint32_t *words, size_t n, uint16_t items)
{
	struct aql_dispatch a = { .header = AQL_TYPE_DISPATCH,
		.setup = 1,
		.wg = { items, 1, 1 },
		.grid = { items, 1, 1 },
		.kernel_object = (uint64_t)(uintptr_t)k->image,
		.kernarg = (uint64_t)(uintptr_t)k->kernarg,
		.completion = (uint64_t)(uintptr_t)k->done };

	memcpy(k->image + 256, words, 4 * n);
	put32(k->image + 256 + 4 * n, 0xbf810000); /* s_endpgm */
	k->done->value = 1;
	k->inactive->value = 0;
	aql_put(&k->r, &a);
}

static int64_t inactive_value(struct kernel *k)
{
	for (int i = 0; i < 50000; i++) {
		int64_t v = __atomic_load_n(&k->inactive->value, __ATOMIC_ACQUIRE);

		if (v)
			return v;
		(void)usleep(100);
	}
	return 0;
}

static void log_path(char *path, size_t size)
{
	int fd;

	(void)snprintf(path, size, "/tmp/rp-test-execute-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void assert_in_file(const char *path, const char *what)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	struct rp_error err = RP_ERROR_INIT;

	assert_int_equal(rp_file_read(AT_FDCWD, path, 1u << 20, &b, &err), 0);
	if (!strstr(rp_buf_cstr(&b), what))
		fail_msg("\"%s\" is not in:\n%s", what, rp_buf_cstr(&b));
}

static void test_runs(void **state)
{
	static const uint32_t words[] = {
		0x34020082, /* v_lshlrev_b32 v1, 2, v0 */
		0x4a0400ff, 1000, /* v_add_nc_u32 v2, 1000, v0 */
		0xdc708000, 0x00000201, /* global_store_dword v1, v2, s[0:1] */
	};
	struct kernel k;

	(void)state;
	kernel_open(&k, "rx-5600-xt", NULL, RP_EXEC_HAZARDS_OFF);
	kernel_start(&k, words, RP_ARRAY_SIZE(words), 64);
	assert_true(wait_for((const uint64_t *)&k.done->value, 0));
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(k.kernarg[i], 1000 + i);
	assert_string_equal(k.said, "");
}

/* Errors by the inactive signal: no runtime asked for KFD's exceptions. */
static void test_errors(void **state)
{
	static const struct {
		uint32_t words[6];
		unsigned int n;
		uint16_t items;
		int64_t code;
		const char *said;
	} cases[] = {
		/* v_mov_b32 v3, literal; v_mov_b32 v2, 0; flat_load_dword v0, v[2:3] */
		{ { 0x7e0602ff, 0x00deadbe, 0x7e040280, 0xdc300000, 0x007d0002 }, 5, 32, 0x20000000,
			"the address is in no aperture" },
		{ { 0x1a0a0702 }, 1, 32, 0x40000000, "v_dot4c_i32_i8" },
		{ { 0xbf920002 }, 1, 32, INT64_C(0x80000000), "s_trap 2" },
		{ { 0xbf800000 }, 1, 2000, 0x100000, "2000 x 1 x 1 items" },
	};

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++) {
		struct kernel k;

		kernel_open(&k, "rx-5600-xt", NULL, RP_EXEC_HAZARDS_OFF);
		kernel_start(&k, cases[i].words, cases[i].n, cases[i].items);
		assert_int_equal(inactive_value(&k), cases[i].code);
		if (!strstr(k.said, cases[i].said))
			fail_msg("case %zu: said \"%s\"", i, k.said);
		assert_int_equal(k.done->value, 1);
	}
}

/* Memory that is mapped and poisoned by strict_mtype is not told as "not mapped". */
static void test_poisoned(void **state)
{
	static const uint32_t words[] = {
		0x7e060280, /* v_mov_b32 v3, 0 */
		0x7e0402ff, 0x900000, /* v_mov_b32 v2, literal */
		0xdc300000, 0x007d0002, /* flat_load_dword v0, v[2:3] */
	};
	char path[64];
	struct kernel k;

	(void)state;
	log_path(path, sizeof(path));
	kernel_open(&k, "rx-5600-xt,strict_mtype=1", path, RP_EXEC_HAZARDS_OFF);
	(void)card_memory(&k.d, KFD_MEM_VRAM | KFD_MEM_COHERENT, 0x900000, PAGE, NULL);
	kernel_start(&k, words, RP_ARRAY_SIZE(words), 1);
	for (int i = 0; i < 5000 && !atomic_load(&k.d.vgpu->n_faults); i++)
		(void)usleep(1000);
	(void)usleep(20000); /* the line behind the count */
	assert_in_file(path, "reason=strict_mtype(hypothesis)");
	assert_non_null(strstr(k.said, "strict_mtype, a hypothesis"));
	(void)unlink(path);
}

/*
 * flat_load_dword v0, v[2:3] offset:8; global_store_dword v1, v0, s[0:1]; s_mov_b32 s0, 0: the offset is ignored, unless
 * that is switched off, and the last two are a hazard.
 */
static const uint32_t defect_words[] = {
	0x7e040200, /* v_mov_b32 v2, s0 */
	0x7e060201, /* v_mov_b32 v3, s1 */
	0x7e020290, /* v_mov_b32 v1, 16 */
	0xdc300008,
	0x007d0002,
	0xdc708000,
	0x00000001,
	0xbe800380,
};

static void test_defect_switch(void **state)
{
	static const struct {
		const char *spec;
		uint32_t value;
	} cases[] = { { "rx-5600-xt", 100 }, { "rx-5600-xt,defects=-flat_offset_ignored", 102 },
		{ "rx-6800-xt", 102 }, { "rx-6800-xt,defects=+flat_offset_ignored", 100 } };

	(void)state;
	for (size_t i = 0; i < RP_ARRAY_SIZE(cases); i++) {
		struct kernel k;

		kernel_open(&k, cases[i].spec, NULL, RP_EXEC_HAZARDS_OFF);
		k.kernarg[0] = 100;
		k.kernarg[2] = 102;
		kernel_start(&k, defect_words, RP_ARRAY_SIZE(defect_words), 1);
		assert_true(wait_for((const uint64_t *)&k.done->value, 0));
		assert_int_equal(k.kernarg[4], cases[i].value);
	}
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(rp_write_all(fd, rp_span_str(text), NULL), 0);
	(void)close(fd);
}

static void test_report(void **state)
{
	char path[64];
	struct kernel k[2];
	struct rp_error err = RP_ERROR_INIT;
	const uint32_t trap[] = { 0xbf920002 };
	static const char *const words[] = { "{\"schema\":1,\"processes\":[\n{\"process\":\"1:",
		"\"complete\":true,\"profile\":\"rx-5600-xt\",\"chip\":\"gfx1010\",\"switched\":[]",
		"\"kernels\":2,\"groups\":2,\"waves\":2,\"instructions\":14,",
		"{\"mnemonic\":\"flat_load_dword\",\"encoding\":\"FLAT\",\"count\":2,\"fidelity\":"
		"\"exact\"}",
		"\"fidelity\":{\"exact\":{\"opcodes\":5,\"instructions\":14},\"approximate\":{"
		"\"opcodes\":0,",
		"\"defects\":[{\"defect\":\"flat_offset_ignored\",\"count\":2,\"first\":{"
		"\"kernel\":null,"
		"\"offset\":12}}]",
		"\"hazard_checks\":\"warn\",\"hazards\":[{\"hazard\":\"vmem-to-scalar\",\"count\":"
		"2,\"first\":"
		"{\"kernel\":null,\"offset\":28}}],\"stops\":[]},\n",
		"{\"process\":\"2:",
		"\"complete\":false,\"profile\":\"rx-6800-xt\",\"chip\":\"gfx1030\",\"switched\":"
		"[{\"defect\":\"branch_3f\",\"on\":true}]",
		"\"stops\":[\"trap at pc ", "]}\n]}\n" };

	(void)state;
	log_path(path, sizeof(path));
	write_text(path, rp_vgpu_report_empty());
	report = path;
	kernel_open(&k[0], "rx-5600-xt", NULL, RP_EXEC_HAZARDS_WARN);
	kernel_open(&k[1], "rx-6800-xt,defects=+branch_3f", NULL, RP_EXEC_HAZARDS_OFF);
	report = NULL;
	for (unsigned int i = 0; i < 2; i++) {
		kernel_start(&k[0], defect_words, RP_ARRAY_SIZE(defect_words), 1);
		assert_true(wait_for((const uint64_t *)&k[0].done->value, 0));
		/* written twice: the second time in the place of the first */
		assert_int_equal(rp_vgpu_report(k[0].d.vgpu, i == 1, &err), 0);
	}
	kernel_start(&k[1], trap, 1, 1);
	assert_true(inactive_value(&k[1]) != 0); /* the report comes before the runtime is told */
	for (size_t i = 0; i < RP_ARRAY_SIZE(words); i++)
		assert_in_file(path, words[i]);
	write_text(path, "something\n");
	assert_int_equal(rp_vgpu_report(k[0].d.vgpu, true, &err), -EBADMSG);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_poisoned),
		cmocka_unit_test(test_defect_switch),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
