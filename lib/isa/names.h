/* SPDX-License-Identifier: MIT */
/* Names of immediate values for the printer. */
#ifndef RP_ISA_NAMES_H
#define RP_ISA_NAMES_H

#include "isa/internal.h"

#define RP_ISA_BUFFER_FORMATS 78u

/* Without "BUF_FMT_"; index = field format of MTBUF. */
extern const char *const rp_isa_buffer_formats[RP_ISA_BUFFER_FORMATS];

/* Without "HW_REG_"; NULL: no name on this chip (a bit of enum rp_isa_chip). */
const char *rp_isa_hwreg_name(unsigned int number, unsigned int chip);

struct rp_isa_message {
	const char *id;
	const char *op; /* NULL: none */
	bool stream; /* has one */
};

/* False if the message has no name or may not have this operation or stream. */
bool rp_isa_message_names(
	unsigned int id, unsigned int op, unsigned int stream, struct rp_isa_message *ret);

#endif
