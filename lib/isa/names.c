/* SPDX-License-Identifier: MIT */
/*
 * Names of the values of some immediate fields, as LLVM 19 spells them (hardware registers,
 * messages: SIDefines.h and AMDGPUAsmUtils.cpp; formats: the unified buffer formats of gfx10).
 */
#include "isa/names.h"

const char *const rp_isa_buffer_formats[RP_ISA_BUFFER_FORMATS] = {
	"INVALID",
	"8_UNORM",
	"8_SNORM",
	"8_USCALED",
	"8_SSCALED",
	"8_UINT",
	"8_SINT",
	"16_UNORM",
	"16_SNORM",
	"16_USCALED",
	"16_SSCALED",
	"16_UINT",
	"16_SINT",
	"16_FLOAT",
	"8_8_UNORM",
	"8_8_SNORM",
	"8_8_USCALED",
	"8_8_SSCALED",
	"8_8_UINT",
	"8_8_SINT",
	"32_UINT",
	"32_SINT",
	"32_FLOAT",
	"16_16_UNORM",
	"16_16_SNORM",
	"16_16_USCALED",
	"16_16_SSCALED",
	"16_16_UINT",
	"16_16_SINT",
	"16_16_FLOAT",
	"10_11_11_UNORM",
	"10_11_11_SNORM",
	"10_11_11_USCALED",
	"10_11_11_SSCALED",
	"10_11_11_UINT",
	"10_11_11_SINT",
	"10_11_11_FLOAT",
	"11_11_10_UNORM",
	"11_11_10_SNORM",
	"11_11_10_USCALED",
	"11_11_10_SSCALED",
	"11_11_10_UINT",
	"11_11_10_SINT",
	"11_11_10_FLOAT",
	"10_10_10_2_UNORM",
	"10_10_10_2_SNORM",
	"10_10_10_2_USCALED",
	"10_10_10_2_SSCALED",
	"10_10_10_2_UINT",
	"10_10_10_2_SINT",
	"2_10_10_10_UNORM",
	"2_10_10_10_SNORM",
	"2_10_10_10_USCALED",
	"2_10_10_10_SSCALED",
	"2_10_10_10_UINT",
	"2_10_10_10_SINT",
	"8_8_8_8_UNORM",
	"8_8_8_8_SNORM",
	"8_8_8_8_USCALED",
	"8_8_8_8_SSCALED",
	"8_8_8_8_UINT",
	"8_8_8_8_SINT",
	"32_32_UINT",
	"32_32_SINT",
	"32_32_FLOAT",
	"16_16_16_16_UNORM",
	"16_16_16_16_SNORM",
	"16_16_16_16_USCALED",
	"16_16_16_16_SSCALED",
	"16_16_16_16_UINT",
	"16_16_16_16_SINT",
	"16_16_16_16_FLOAT",
	"32_32_32_UINT",
	"32_32_32_SINT",
	"32_32_32_FLOAT",
	"32_32_32_32_UINT",
	"32_32_32_32_SINT",
	"32_32_32_32_FLOAT",
};

/* 4 and 8..14 have no name on gfx10. */
static const char *const hwregs[] = {
	[1] = "MODE",
	[2] = "STATUS",
	[3] = "TRAPSTS",
	[5] = "GPR_ALLOC",
	[6] = "LDS_ALLOC",
	[7] = "IB_STS",
	[15] = "SH_MEM_BASES",
	[16] = "TBA_LO",
	[17] = "TBA_HI",
	[18] = "TMA_LO",
	[19] = "TMA_HI",
	[20] = "FLAT_SCR_LO",
	[21] = "FLAT_SCR_HI",
	[22] = "XNACK_MASK",
	[23] = "HW_ID1",
	[24] = "HW_ID2",
	[25] = "POPS_PACKER",
	[29] = "SHADER_CYCLES",
};

const char *rp_isa_hwreg_name(unsigned int number, unsigned int chip)
{
	bool rdna2 = chip & RP_ISA_GFX1030;

	if (number >= RP_ARRAY_SIZE(hwregs) || (number == 22 && rdna2) || (number == 29 && !rdna2))
		return NULL;
	return hwregs[number];
}

static const char *const messages[16] = {
	[1] = "MSG_INTERRUPT",
	[2] = "MSG_GS",
	[3] = "MSG_GS_DONE",
	[4] = "MSG_SAVEWAVE",
	[5] = "MSG_STALL_WAVE_GEN",
	[6] = "MSG_HALT_WAVES",
	[7] = "MSG_ORDERED_PS_DONE",
	[8] = "MSG_EARLY_PRIM_DEALLOC",
	[9] = "MSG_GS_ALLOC_REQ",
	[10] = "MSG_GET_DOORBELL",
	[11] = "MSG_GET_DDID",
	[15] = "MSG_SYSMSG",
};
static const char *const gs_operations[] = { "GS_OP_NOP", "GS_OP_CUT", "GS_OP_EMIT",
	"GS_OP_EMIT_CUT" };
static const char *const system_operations[] = { NULL, "SYSMSG_OP_ECC_ERR_INTERRUPT",
	"SYSMSG_OP_REG_RD", NULL, "SYSMSG_OP_TTRACE_PC" };

bool rp_isa_message_names(
	unsigned int id, unsigned int op, unsigned int stream, struct rp_isa_message *ret)
{
	*ret = (struct rp_isa_message){ .id = messages[id & 15] };
	switch (id) {
	case 2:
	case 3:
		if (op >= RP_ARRAY_SIZE(gs_operations) || (op == 0 && (id == 2 || stream)))
			return false;
		ret->op = gs_operations[op];
		ret->stream = op != 0;
		return true;
	case 15:
		if (op >= RP_ARRAY_SIZE(system_operations) || stream)
			return false;
		ret->op = system_operations[op];
		return ret->op != NULL;
	default:
		return ret->id && !op && !stream;
	}
}
