/* SPDX-License-Identifier: MIT */
/*
 * The fidelity report: what the kernels of a process executed, how exact that is, which defects of the
 * chip acted and which hazards were met. One JSON document for a program; every process that opened
 * the card has one line in it, which it writes when it opens the card, when a kernel stops (the program
 * may abort then) and when it ends. One that is killed or ends by _exit stays with "complete": false:
 *
 *   {"schema":1,"processes":[
 *   {"process":"1:rocblas-test","complete":true,...},
 *   {"process":"2:worker",...}
 *   ]}
 *
 * The file is rewritten in place under flock, because it may be a bind mount. On stderr ("-") it is
 * the line alone. man rocm-patch-run describes the members.
 */
#include "vgpu/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define HEAD	   "{\"schema\":1,\"processes\":[\n"
#define TAIL	   "]}\n"
#define MAX_REPORT (64u << 20)

const char *rp_vgpu_report_empty(void)
{
	return HEAD TAIL;
}

static void place(struct rp_json *j, const struct rp_vgpu_place *p)
{
	rp_json_kbegin(j, "first", '{');
	rp_json_kstr(j, "kernel", p->kernel);
	rp_json_kint(j, "offset", p->offset);
	rp_json_end(j, '}');
}

static void opcodes(const struct rp_exec_report *r, struct rp_json *j)
{
	uint64_t sums[RP_EXEC_UNVERIFIED + 1] = { 0 }, rows[RP_EXEC_UNVERIFIED + 1] = { 0 };

	rp_json_kbegin(j, "opcodes", '[');
	for (unsigned int row = 1; row < rp_isa_n_rows; row++) {
		struct rp_exec_row info;

		if (!r->count[row])
			continue;
		rp_exec_row_info(row, &info);
		sums[info.fidelity] += r->count[row];
		rows[info.fidelity]++;
		rp_json_begin(j, '{');
		rp_json_kstr(j, "mnemonic", rp_isa_name(row));
		rp_json_kstr(j, "encoding", rp_isa_encoding_name(rp_isa_rows[row].encoding));
		rp_json_kuint(j, "count", r->count[row]);
		rp_json_kstr(
			j, "fidelity", rp_exec_fidelity_name((enum rp_exec_fidelity)info.fidelity));
		if (info.bound)
			rp_json_kstr(j, "bound", info.bound);
		rp_json_end(j, '}');
	}
	rp_json_end(j, ']');
	rp_json_kbegin(j, "fidelity", '{');
	for (unsigned int f = RP_EXEC_EXACT; f <= RP_EXEC_UNVERIFIED; f++) {
		rp_json_kbegin(j, rp_exec_fidelity_name((enum rp_exec_fidelity)f), '{');
		rp_json_kuint(j, "opcodes", rows[f]);
		rp_json_kuint(j, "instructions", sums[f]);
		rp_json_end(j, '}');
	}
	rp_json_end(j, '}');
}

/* Everything but the first member; under notes_lock. */
static void members(const struct rp_vgpu *vgpu, bool complete, struct rp_json *j)
{
	const struct rp_exec_report *r = &vgpu->report;
	const struct rp_vgpu_profile *p = &vgpu->profile;

	rp_json_kbool(j, "complete", complete);
	rp_json_kstr(j, "profile", p->name);
	rp_json_kstr(j, "chip", p->chip->name);
	rp_json_kbegin(j, "switched", '[');
	for (unsigned int f = 0; f < RP_CHIP_FEATURE_MAX; f++)
		if ((p->features ^ p->chip->features) >> f & 1) {
			rp_json_begin(j, '{');
			rp_json_kstr(j, "defect", rp_chip_feature_info(f)->name);
			rp_json_kbool(j, "on", p->features >> f & 1);
			rp_json_end(j, '}');
		}
	rp_json_end(j, ']');
	rp_json_kuint(j, "kernels", vgpu->n_executed);
	rp_json_kuint(j, "groups", r->n_groups);
	rp_json_kuint(j, "waves", r->n_waves);
	rp_json_kuint(j, "instructions", r->n_instructions);
	opcodes(r, j);
	rp_json_kbegin(j, "defects", '[');
	for (unsigned int f = 0; f < RP_CHIP_FEATURE_MAX; f++)
		if (r->defects[f]) {
			rp_json_begin(j, '{');
			rp_json_kstr(j, "defect", rp_chip_feature_info(f)->name);
			rp_json_kuint(j, "count", r->defects[f]);
			place(j, &vgpu->first_defect[f]);
			rp_json_end(j, '}');
		}
	rp_json_end(j, ']');
	rp_json_kstr(j, "hazard_checks",
		vgpu->hazards == RP_EXEC_HAZARDS_OFF	? "off"
		: vgpu->hazards == RP_EXEC_HAZARDS_WARN ? "warn"
							: "corrupt");
	rp_json_kbegin(j, "hazards", '[');
	for (unsigned int h = 0; h < RP_HAZARD_MAX; h++)
		if (r->hazards[h]) {
			rp_json_begin(j, '{');
			rp_json_kstr(j, "hazard", rp_hazard_name(h));
			rp_json_kuint(j, "count", r->hazards[h]);
			place(j, &vgpu->first_hazard[h]);
			rp_json_end(j, '}');
		}
	rp_json_end(j, ']');
	rp_json_kbegin(j, "stops", '[');
	for (unsigned int i = 0; i < vgpu->n_stops; i++)
		rp_json_str(j, vgpu->stops[i]);
	rp_json_end(j, ']');
}

/* The line of this process; label: "NUMBER:NAME". */
static void line_of(struct rp_vgpu *vgpu, bool complete, const char *label, struct rp_buf *ret)
{
	struct rp_json j;

	rp_json_init(&j, ret, false);
	rp_json_begin(&j, '{');
	rp_json_kstr(&j, "process", label);
	(void)pthread_mutex_lock(&vgpu->notes_lock);
	members(vgpu, complete, &j);
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
	rp_json_end(&j, '}');
}

/* The document with our line in it: in the place of an earlier one, or at the end. */
static int merge(struct rp_vgpu *vgpu, bool complete, struct rp_span old, struct rp_buf *ret,
	struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf own = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf start = RP_BUF_INIT;
	struct rp_span line, rest = old;
	struct rp_json j;
	unsigned int n = 0;

	if (!rp_span_line(&rest, &line) || line.n + 1 != sizeof(HEAD) - 1 ||
		memcmp(line.p, HEAD, line.n) != 0)
		return RP_FAIL(err, -EBADMSG, "the report %s is not one", vgpu->report_path);
	while (rp_span_line(&rest, &line) && line.n && line.p[0] == '{')
		n++;
	if (!vgpu->report_label[0])
		rp_log_process_label(n + 1, vgpu->report_label, sizeof(vgpu->report_label));
	line_of(vgpu, complete, vgpu->report_label, &own);
	rp_json_init(&j, &start, false);
	rp_json_begin(&j, '{');
	rp_json_kstr(&j, "process", vgpu->report_label);
	rp_buf_addf(ret, HEAD);
	rest = old;
	(void)rp_span_line(&rest, &line);
	for (unsigned int i = 0; i < n && rp_span_line(&rest, &line); i++) {
		struct rp_span prefix = rp_buf_span(&start);

		if (line.n && line.p[line.n - 1] == ',')
			line.n--;
		if (line.n > prefix.n && memcmp(line.p, prefix.p, prefix.n) == 0)
			continue;
		rp_buf_add(ret, line.p, line.n);
		rp_buf_addf(ret, ",\n");
	}
	rp_buf_add(ret, rp_buf_span(&own).p, rp_buf_span(&own).n);
	rp_buf_addf(ret, "\n" TAIL);
	return ret->failed ? RP_NOMEM(err) : 0;
}

static int write_file(struct rp_vgpu *vgpu, bool complete, struct rp_error *err)
{
	RP_CLEANUP(rp_close_fd) int fd = open(vgpu->report_path, O_RDWR | O_CLOEXEC);
	RP_CLEANUP(rp_buf_free) struct rp_buf old = RP_BUF_INIT;
	RP_CLEANUP(rp_buf_free) struct rp_buf text = RP_BUF_INIT;
	int r;

	if (fd < 0)
		return RP_FAIL_ERRNO(err, -errno, "open the report %s", vgpu->report_path);
	if (flock(fd, LOCK_EX) < 0) /* closing it unlocks it */
		return RP_FAIL_ERRNO(err, -errno, "lock the report %s", vgpu->report_path);
	r = rp_file_read(AT_FDCWD, vgpu->report_path, MAX_REPORT, &old, err);
	if (r == 0)
		r = merge(vgpu, complete, rp_buf_span(&old), &text, err);
	/* it never becomes shorter: counts and lists only grow, "false" becomes "true" */
	if (r == 0)
		r = rp_write_all(fd, rp_buf_span(&text), err);
	if (r == 0 && ftruncate(fd, (off_t)rp_buf_span(&text).n) < 0)
		r = RP_FAIL_ERRNO(err, -errno, "write the report %s", vgpu->report_path);
	return r;
}

int rp_vgpu_report(struct rp_vgpu *vgpu, bool complete, struct rp_error *err)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf line = RP_BUF_INIT;
	int r;

	if (!vgpu->report_path)
		return 0;
	if (strcmp(vgpu->report_path, "-") != 0) {
		(void)pthread_mutex_lock(&vgpu->report_lock);
		r = write_file(vgpu, complete, err);
		(void)pthread_mutex_unlock(&vgpu->report_lock);
		return r;
	}
	if (!complete) /* on stderr a process is told once, at its end */
		return 0;
	rp_log_process_label(
		(unsigned int)getpid(), vgpu->report_label, sizeof(vgpu->report_label));
	line_of(vgpu, complete, vgpu->report_label, &line);
	rp_buf_addf(&line, "\n");
	return rp_write_all(STDERR_FILENO, rp_buf_span(&line), err);
}
