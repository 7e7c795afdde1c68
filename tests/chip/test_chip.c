/* SPDX-License-Identifier: MIT */
/* The chip table: lookups, agreement with lib/isa, and facts that other sources state independently. */
#include "../base/unit.h"
#include "chip/chip.h"
#include "isa/isa.h"

static const struct rp_chip *chip(const char *name)
{
	const struct rp_chip *c = rp_chip_by_name(rp_span_str(name));

	assert_non_null(c);
	return c;
}

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < rp_chip_count(); i++) {
		const struct rp_chip *c = rp_chip_at(i);

		assert_ptr_equal(rp_chip_by_name(rp_span_str(c->name)), c);
		assert_ptr_equal(rp_chip_by_mach(c->mach), c);
	}
	assert_null(rp_chip_at(rp_chip_count()));
	assert_null(rp_chip_by_name(rp_span_str("gfx101")));
	assert_null(rp_chip_by_name(rp_span_str("gfx10100")));
	assert_null(rp_chip_by_name(rp_span_str("")));
	assert_null(rp_chip_by_mach(0));
	/* LLVM 19, ELF.h */
	assert_string_equal(rp_chip_by_mach(0x33)->name, "gfx1010");
	assert_string_equal(rp_chip_by_mach(0x36)->name, "gfx1030");
	assert_string_equal(rp_chip_by_mach(0x53)->name, "gfx10-3-generic");
	assert_string_equal(rp_chip_by_mach(0x3f)->name, "gfx90a");
}

static void test_isa_groups(void **state)
{
	(void)state;
	assert_int_equal(chip("gfx1010")->isa, RP_ISA_GFX1010);
	assert_int_equal(chip("gfx10-1-generic")->isa, RP_ISA_GFX1010);
	assert_int_equal(chip("gfx1011")->isa, RP_ISA_GFX1011);
	assert_int_equal(chip("gfx1012")->isa, RP_ISA_GFX1011);
	assert_int_equal(chip("gfx1013")->isa, RP_ISA_GFX1013);
	for (unsigned int i = 0; i <= 6; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "gfx103%u", i);
		assert_int_equal(chip(name)->isa, RP_ISA_GFX1030);
	}
	assert_int_equal(chip("gfx10-3-generic")->isa, RP_ISA_GFX1030);
	assert_int_equal(chip("gfx1100")->isa, 0);
}

static void test_features(void **state)
{
	const struct rp_chip *one = chip("gfx1010"), *three = chip("gfx1030");

	(void)state;
	assert_true(rp_chip_has(one, RP_CHIP_FLAT_OFFSET_IGNORED));
	assert_false(rp_chip_has(three, RP_CHIP_FLAT_OFFSET_IGNORED));
	assert_true(rp_chip_has(three, RP_CHIP_DOT_VOP2));
	assert_true(rp_chip_has(chip("gfx1012"), RP_CHIP_DOT_VOP2));
	assert_false(rp_chip_has(one, RP_CHIP_DOT_VOP2));
	assert_false(rp_chip_has(chip("gfx1013"), RP_CHIP_DOT_VOP3P));
	assert_true(rp_chip_has(chip("gfx1013"), RP_CHIP_IMAGE_BVH));
	for (unsigned int i = 0; i < RP_CHIP_FEATURE_MAX; i++) {
		const struct rp_chip_feature_info *info = rp_chip_feature_info(i);

		assert_int_equal(rp_chip_feature_by_name(rp_span_str(info->name)), i);
		/* A RDNA1 defect or hazard that RDNA2 shares is rare: only the one that both compilers know. */
		if ((info->kind == RP_CHIP_KIND_DEFECT || info->kind == RP_CHIP_KIND_HAZARD) &&
			i != RP_CHIP_HAZARD_FP_ATOMIC_DENORM) {
			assert_true(rp_chip_has(one, (enum rp_chip_feature)i));
			assert_false(rp_chip_has(three, (enum rp_chip_feature)i));
		}
	}
	assert_null(rp_chip_feature_info(RP_CHIP_FEATURE_MAX));
	assert_int_equal(rp_chip_feature_by_name(rp_span_str("nothing")), -1);
	assert_int_equal(three->vgpr_alloc[0], 16);
	assert_int_equal(one->vgpr_alloc[0], 8);
	assert_int_equal(one->waves_per_simd, 20);
	assert_int_equal(three->waves_per_simd, 16);
}

static void test_runs(void **state)
{
	(void)state;
	assert_true(rp_chip_runs(chip("gfx1010"), chip("gfx1010")));
	assert_true(rp_chip_runs(chip("gfx1010"), chip("gfx10-1-generic")));
	assert_true(rp_chip_runs(chip("gfx10-1-generic"), chip("gfx10-1-generic")));
	assert_false(rp_chip_runs(chip("gfx1010"), chip("gfx10-3-generic")));
	assert_false(rp_chip_runs(chip("gfx1010"), chip("gfx1030")));
	assert_false(rp_chip_runs(chip("gfx10-1-generic"), chip("gfx1010")));
	assert_false(rp_chip_runs(chip("gfx803"), chip("gfx9-generic")));
}

static void test_pci(void **state)
{
	const struct rp_chip_core *core = NULL;

	(void)state;
	assert_string_equal(rp_chip_by_pci(0x731f, 0xca)->product, "AMD Radeon RX 5600 XT");
	assert_string_equal(rp_chip_by_pci(0x731f, 0xca)->target, "gfx1010");
	assert_null(rp_chip_by_pci(0x731f, 0x01)->product);
	assert_string_equal(rp_chip_by_pci(0x731f, 0x01)->target, "gfx1010");
	assert_string_equal(rp_chip_by_pci(0x73bf, 0xc1)->target, "gfx1030");
	assert_null(rp_chip_by_pci(0x1234, 0));
	assert_string_equal(rp_chip_by_core(10, 1, 10, &core)->name, "gfx1010");
	assert_int_equal(core->mec_firmware, 145);
	assert_string_equal(rp_chip_by_core(10, 3, 7, &core)->name, "gfx1036");
	assert_int_equal(core->mec_firmware, 3);
	assert_null(rp_chip_by_core(10, 1, 0, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_isa_groups),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_pci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
