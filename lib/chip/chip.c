/* SPDX-License-Identifier: MIT */
/* Lookups in the generated chip tables; see chip/chip.h. */
#include "chip/chip.h"

#define BIT(feature) (UINT64_C(1) << RP_CHIP_##feature)
#include "chip-tables.inc"

_Static_assert(RP_ARRAY_SIZE(features) == RP_CHIP_FEATURE_MAX, "the enum and features.tsv differ");

size_t rp_chip_count(void)
{
	return RP_ARRAY_SIZE(chips);
}

const struct rp_chip *rp_chip_at(size_t index)
{
	return index < RP_ARRAY_SIZE(chips) ? &chips[index] : NULL;
}

const struct rp_chip *rp_chip_by_name(struct rp_span name)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(chips); i++)
		if (rp_span_eq_str(name, chips[i].name))
			return &chips[i];
	return NULL;
}

const struct rp_chip *rp_chip_by_mach(uint8_t mach)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(chips); i++)
		if (chips[i].mach == mach)
			return &chips[i];
	return NULL;
}

const struct rp_chip_feature_info *rp_chip_feature_info(unsigned int feature)
{
	return feature < RP_ARRAY_SIZE(features) ? &features[feature] : NULL;
}

int rp_chip_feature_by_name(struct rp_span name)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(features); i++)
		if (rp_span_eq_str(name, features[i].name))
			return (int)i;
	return -1;
}

bool rp_chip_runs(const struct rp_chip *chip, const struct rp_chip *code)
{
	if (chip == code)
		return true;
	return code->is_generic && chip->generic && strcmp(chip->generic, code->name) == 0;
}

const struct rp_chip_pci *rp_chip_by_pci(uint16_t device, uint8_t revision)
{
	const struct rp_chip_pci *any = NULL;

	for (size_t i = 0; i < RP_ARRAY_SIZE(products); i++) {
		const struct rp_chip_pci *row = &products[i];

		if (row->device != device)
			continue;
		if (row->revision == revision)
			return row;
		if (row->revision == RP_CHIP_ANY_REVISION)
			any = row;
	}
	return any;
}

const struct rp_chip *rp_chip_by_core(unsigned int major, unsigned int minor, unsigned int revision,
	const struct rp_chip_core **ret_core)
{
	for (size_t i = 0; i < RP_ARRAY_SIZE(chips); i++)
		for (size_t k = 0; k < chips[i].n_cores; k++) {
			const struct rp_chip_core *core = &chips[i].cores[k];

			if (core->major != major || core->minor != minor ||
				core->revision != revision)
				continue;
			if (ret_core)
				*ret_core = core;
			return &chips[i];
		}
	return NULL;
}
