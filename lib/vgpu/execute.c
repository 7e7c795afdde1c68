/* SPDX-License-Identifier: MIT */
/*
 * Kernels run: from an AQL packet to lib/vgpu/exec, and what stopped a kernel back to the runtime
 * on the two ways that ROCR listens to (the queue's inactive signal; KFD's exceptions). Sources:
 * ROCR amd_aql_queue.cpp (DynamicScratchHandler, ExceptionHandler), linux/kfd_ioctl.h (enum
 * kfd_dbg_trap_exception_code), AMDGPUUsage ("Kernel Descriptor", "Initial Kernel Execution State").
 *
 * Where the runtime installed a trap handler, the wave runs it, and it tells the runtime itself. What it and the driver
 * would write is written here only where there is none, or where it told nobody.
 */
#include "vgpu/internal.h"

#include <inttypes.h>
#include <stdio.h>

/* Codes in the inactive signal: ROCR AqlQueue::DynamicScratchHandler. */
#define INACTIVE_MEMORY_VIOLATION 0x20000000
#define INACTIVE_ILLEGAL	  0x40000000
#define INACTIVE_TRAP		  INT64_C(0x80000000)
#define INACTIVE_OTHER		  0x100000 /* none that ROCR knows: HSA_STATUS_ERROR */

/* Bits of the exception payload: 1 << (EC_QUEUE_WAVE_x - 1). */
#define EXCEPTION_ABORT	      (1u << 0)
#define EXCEPTION_TRAP	      (1u << 1)
#define EXCEPTION_ILLEGAL     (1u << 3)
#define EXCEPTION_APERTURE    (1u << 5)
#define SAVE_AREA_PAYLOAD     24 /* kfd_context_save_area_header: u64 address, then the event's id */
#define SAVE_AREA_EVENT	      32

#define AQL_QUEUE_TMPRING     140 /* amd_queue_t.compute_tmpring_size */
#define AQL_QUEUE_SCRATCH_SRD 144
#define SENDMSG_INTERRUPT     1u
#define SENDMSG_GET_DOORBELL  10u
#define DOORBELL_ID_BITS      10u /* of M0 in a trap handler's interrupt; the exceptions are above */
#define EVENT_ID_MASK	      0xfffu

static struct rp_page_table *table_of(struct rp_vgpu_queue *q)
{
	return &q->vgpu->gpu[q->gpu].pt;
}

static bool find_range(void *data, uint64_t va, struct rp_exec_range *ret)
{
	struct rp_vgpu_gpu *g = (struct rp_vgpu_gpu *)data;
	const struct rp_gpu_map *m;
	bool found = false;

	(void)pthread_rwlock_rdlock(&g->pt.lock);
	m = rp_pt_find(&g->pt, va);
	if (m) {
		uint8_t rights = m->poisoned ? 0 : m->rights;

		*ret = (struct rp_exec_range){ m->va, m->size, m->host,
			(rights & RP_GPU_READ ? RP_EXEC_READ : 0) |
				(rights & RP_GPU_WRITE ? RP_EXEC_WRITE : 0) |
				(rights & RP_GPU_EXEC ? RP_EXEC_EXECUTE : 0) };
		found = true;
	}
	(void)pthread_rwlock_unlock(&g->pt.lock);
	return found;
}

static uint64_t generation(void *data)
{
	struct rp_vgpu_gpu *g = (struct rp_vgpu_gpu *)data;

	return atomic_load_explicit(&g->pt.generation, memory_order_acquire);
}

/* The GPU's executor, made when its first kernel comes. */
static struct rp_exec *executor(struct rp_vgpu *vgpu, struct rp_vgpu_gpu *g)
{
	struct rp_exec_config config = {
		.chip = vgpu->profile.chip,
		.features = vgpu->profile.features,
		.level = rp_exec_best_level(),
		.hazards = vgpu->hazards,
		.seed = 1,
		.n_threads = rp_cpu_count(),
		.memory = { find_range, generation, g },
	};
	struct rp_error err = RP_ERROR_INIT;

	(void)pthread_mutex_lock(&vgpu->lock);
	if (!g->exec && rp_exec_new(&config, &g->exec, &err) < 0)
		rp_vgpu_note(vgpu, "kernels: %s", err.text);
	(void)pthread_mutex_unlock(&vgpu->lock);
	return g->exec;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Fills d from the packet and the queue. 0 or -EFAULT with fault filled. */
static int describe(
	const struct rp_vgpu_dispatch *run, struct rp_exec_dispatch *d, struct rp_vgpu_fault *fault)
{
	struct rp_vgpu_queue *q = run->queue;
	const struct aql_dispatch *p = run->packet;
	struct rp_page_table *pt = table_of(q);
	uint8_t descriptor[RP_KERNEL_DESCRIPTOR_BYTES], queue[32];
	uint32_t tmpring;
	unsigned int dimensions = p->setup & 3;

	if (rp_gpu_read(pt, p->kernel_object, descriptor, sizeof(descriptor), fault) < 0 ||
		rp_gpu_read(pt, q->amd_queue + AQL_QUEUE_TMPRING, queue, sizeof(queue), fault) < 0)
		return -EFAULT;
	*d = (struct rp_exec_dispatch){ .entry = 0 };
	if (!rp_descriptor_read(rp_span_of(descriptor, sizeof(descriptor)), &d->descriptor))
		return -EFAULT; /* not reached: it is as long as a descriptor */
	d->entry = p->kernel_object + (uint64_t)d->descriptor.entry_offset;
	for (unsigned int i = 0; i < 3; i++) {
		d->grid[i] = i < dimensions ? p->grid[i] : 1;
		d->group[i] = i < dimensions ? p->wg[i] : 1;
	}
	d->lds_bytes = p->group_bytes;
	d->private_bytes = p->private_bytes;
	d->packet = run->packet_va;
	d->queue = q->amd_queue;
	d->kernarg = p->kernarg;
	d->dispatch_id = q->rptr;
	tmpring = le32(queue); /* WAVES 11:0; WAVESIZE 24:12 in KiB */
	memcpy(d->private_srd, queue + (AQL_QUEUE_SCRATCH_SRD - AQL_QUEUE_TMPRING),
		sizeof(d->private_srd));
	d->flat_scratch = le32(queue + 20) | (uint64_t)le32(queue + 24) << 32;
	if (d->private_bytes) {
		d->scratch_waves = tmpring & 0xfff;
		d->scratch_wave_bytes = (tmpring >> 12 & 0x1fff) * 1024;
	}
	d->cancel = &q->cancel;
	d->tma = q->vgpu->gpu[q->gpu].tma;
	return 0;
}

/* Whether the runtime hears of errors by KFD's exceptions, not by the queue's inactive signal. */
static bool by_exception(const struct rp_vgpu_queue *q)
{
	return q->vgpu->runtime_enabled && q->vgpu->profile.exceptions && q->save_area;
}

/* As the driver: adds to the queue's exceptions and signals their event. False: the runtime could not be told. */
static bool raise_exception(struct rp_vgpu_queue *q, uint32_t exception)
{
	struct rp_page_table *pt = table_of(q);
	struct rp_vgpu *vgpu = q->vgpu;
	struct rp_vgpu_fault fault;
	uint8_t header[40];
	uint64_t payload;
	uint32_t bits = 0;

	if (rp_user_read(header, q->save_area, sizeof(header)) < 0)
		return false;
	payload = le32(header + SAVE_AREA_PAYLOAD) | (uint64_t)le32(header + SAVE_AREA_PAYLOAD + 4)
							     << 32;
	/* the address is the program's; in shared memory it is the GPU's, too */
	if (rp_user_read(&bits, payload, sizeof(bits)) == 0) {
		bits |= exception;
		if (rp_user_write(payload, &bits, sizeof(bits)) < 0)
			return false;
	} else {
		uint8_t *p;

		(void)pthread_rwlock_rdlock(&pt->lock);
		p = rp_gpu_host(pt, payload, 4, RP_GPU_WRITE, &fault);
		if (p)
			__atomic_fetch_or((uint32_t *)(void *)p, exception, __ATOMIC_ACQ_REL);
		(void)pthread_rwlock_unlock(&pt->lock);
		if (!p)
			return false;
	}
	rp_events_interrupt(&vgpu->events, le32(header + SAVE_AREA_EVENT));
	return true;
}

/* Tells the runtime on the way that it listens to; false: it could not be told. */
static bool raise_error(struct rp_vgpu_queue *q, int64_t inactive, uint32_t exception)
{
	struct rp_vgpu_fault fault;

	return by_exception(q) ? raise_exception(q, exception)
			       : rp_cp_inactive(q, inactive, &fault) == 0;
}

static void tell(const struct rp_vgpu *vgpu, const char *text)
{
	if (vgpu->say)
		vgpu->say(vgpu->say_data, text);
}

/* What no hardware can say: which kernel, where, what, why, with which registers. */
static void explain(struct rp_vgpu_queue *q, const struct rp_exec_dispatch *d,
	const struct rp_exec_fault *f, bool poisoned)
{
	RP_CLEANUP(rp_buf_free) struct rp_buf b = RP_BUF_INIT;
	RP_CLEANUP(rp_free_p)
	char *kernel = rp_loaded_kernel_name(table_of(q), d->entry);
	char text[1024];

	(void)rp_exec_fault_text(f, text, sizeof(text));
	rp_buf_addf(&b, "%s\n  kernel %s +0x%" PRIx64 ", group %u,%u,%u, wave %u", text,
		kernel ? kernel : "(name not found)", f->pc - d->entry, f->group[0], f->group[1],
		f->group[2], f->wave);
	if (f->lane >= 0)
		rp_buf_addf(&b, ", lane %d", f->lane);
	for (unsigned int i = 0; i < f->n_vgprs; i++)
		rp_buf_addf(&b, "%s v%u=0x%08x", i % 6 ? "" : "\n  ", f->vgpr[i], f->vgpr_value[i]);
	if (poisoned)
		rp_buf_addf(&b, "\n  the address is mapped; strict_mtype, a hypothesis about the "
				"card, makes the access fault");
	tell(q->vgpu, rp_buf_cstr(&b));
	rp_log_linef(&q->vgpu->log, false,
		"kernel stopped queue=%u by=%s kernel=%s offset=0x%" PRIx64, q->number,
		rp_exec_fault_name(f->kind), kernel ? kernel : "?", f->pc - d->entry);
}

/* What the page table has at an address that the executor could not access. */
static void why_not(struct rp_vgpu_queue *q, uint64_t va, struct rp_vgpu_fault *fault)
{
	struct rp_page_table *pt = table_of(q);
	const struct rp_gpu_map *m;

	(void)pthread_rwlock_rdlock(&pt->lock);
	m = rp_pt_find(pt, va);
	fault->present = m != NULL;
	fault->poisoned = m && m->poisoned;
	(void)pthread_rwlock_unlock(&pt->lock);
}

static void first_place(struct rp_vgpu_queue *q, const struct rp_exec_dispatch *d, uint64_t pc,
	struct rp_vgpu_place *ret)
{
	*ret = (struct rp_vgpu_place){ rp_loaded_kernel_name(table_of(q), d->entry),
		(int64_t)(pc - d->entry) };
}

/* Adds up what a dispatch did; where something happened for the first time. */
static void add_report(
	struct rp_vgpu_queue *q, const struct rp_exec_dispatch *d, const struct rp_exec_report *r)
{
	struct rp_vgpu *vgpu = q->vgpu;
	struct rp_exec_report *sum = &vgpu->report;

	(void)pthread_mutex_lock(&vgpu->notes_lock);
	vgpu->n_executed++;
	sum->n_instructions += r->n_instructions;
	sum->n_waves += r->n_waves;
	sum->n_groups += r->n_groups;
	for (unsigned int i = 0; i < RP_CHIP_FEATURE_MAX; i++) {
		if (r->defects[i] && !sum->defects[i])
			first_place(q, d, r->defect_pc[i], &vgpu->first_defect[i]);
		sum->defects[i] += r->defects[i];
	}
	for (uint32_t i = r->n_sites; i-- > 0;) { /* the first site last */
		unsigned int h = r->sites[i].hazard;

		if (sum->hazards[h])
			continue;
		free(vgpu->first_hazard[h].kernel);
		first_place(q, d, r->sites[i].pc, &vgpu->first_hazard[h]);
	}
	for (unsigned int i = 0; i < RP_HAZARD_MAX; i++)
		sum->hazards[i] += r->hazards[i];
	for (unsigned int i = 0; r->count && i < rp_isa_n_rows; i++)
		sum->count[i] += r->count[i];
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
}

/* What stopped a kernel, before the runtime is told: it may end the program. */
static void report_stop(struct rp_vgpu *vgpu, const char *text)
{
	struct rp_error err = RP_ERROR_INIT;

	if (!vgpu->report_path)
		return;
	(void)pthread_mutex_lock(&vgpu->notes_lock);
	if (vgpu->n_stops < MAX_STOPS && (vgpu->stops[vgpu->n_stops] = strdup(text)) != NULL)
		vgpu->n_stops++;
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
	if (rp_vgpu_report(vgpu, false, &err) < 0)
		tell(vgpu, err.text);
}

/* A dispatch that runs, for what the executor calls back. */
struct running {
	struct rp_vgpu_queue *q;
	const struct rp_exec_dispatch *d;
	struct rp_exec_report *report; /* NULL: no memory for it */
	bool reported; /* it was added to the program's */
	bool finished; /* what stopped it is explained */
	atomic_bool told; /* a trap handler's interrupt raised an exception */
};

static void on_message(void *data, struct rp_exec_message *m)
{
	struct running *run = (struct running *)data;
	struct rp_vgpu_queue *q = run->q;

	if ((m->simm16 & 0xf) == SENDMSG_GET_DOORBELL) {
		m->exec_lo = q->doorbell; /* bit 31 is 0: the answer is there */
		return;
	}
	if ((m->simm16 & 0xf) != SENDMSG_INTERRUPT)
		return;
	if (!m->in_handler || !by_exception(q))
		rp_events_interrupt(&q->vgpu->events, m->m0 & EVENT_ID_MASK);
	else if (raise_exception(q, m->m0 >> DOORBELL_ID_BITS & 0x3f))
		atomic_store(&run->told, true);
}

static void count_once(struct running *run)
{
	if (run->report && !run->reported)
		add_report(run->q, run->d, run->report);
	run->reported = true;
}

/* Everything that we say of a stopped kernel, before the runtime hears of it: it may end the program then. */
static void finish(struct running *run, const struct rp_exec_fault *f, bool poisoned)
{
	char text[1024];

	count_once(run);
	if (run->finished)
		return;
	run->finished = true;
	explain(run->q, run->d, f, poisoned);
	(void)rp_exec_fault_text(f, text, sizeof(text));
	report_stop(run->q->vgpu, text);
}

/* A wave goes to the runtime's trap handler; last: nothing else of the dispatch runs any more. */
static uint64_t on_trap(void *data, const struct rp_exec_fault *f, bool last)
{
	struct running *run = (struct running *)data;
	uint64_t handler = run->q->vgpu->gpu[run->q->gpu].tba;

	if (!handler)
		return 0;
	if (last)
		finish(run, f, false);
	rp_log_linef(&run->q->vgpu->log, false, "trap_handler queue=%u entered", run->q->number);
	return handler;
}

/* Whether the trap handler that halted the wave told the runtime. If not, a program on a card would wait for ever. */
static bool handler_told(struct running *run, const struct rp_exec_fault *f)
{
	static const char *const names[] = { "none", "halted", "returned", "failed" };
	static const char silent[] =
		"the runtime's trap handler halted the wave and told nobody: on a card "
		"the program would wait for ever; here it is told directly";
	static const char broken[] =
		"the runtime's trap handler did not work: the runtime is told directly";
	struct rp_vgpu_queue *q = run->q;
	bool told = atomic_load(&run->told);
	int64_t value = 0;

	if (f->handler == RP_EXEC_HANDLER_NONE)
		return false;
	if (!told && !by_exception(q))
		told = rp_cp_inactive_value(q, &value) == 0 && value != 0;
	/* the runtime may have ended the program before this line */
	rp_log_linef(&q->vgpu->log, true, "trap_handler queue=%u wave=%s runtime=%s", q->number,
		names[f->handler], told ? "told" : "not_told");
	if (!told)
		tell(q->vgpu, f->handler == RP_EXEC_HANDLER_HALTED ? silent : broken);
	return told;
}

static enum rp_step stopped(struct running *run, const struct rp_exec_fault *f)
{
	struct rp_vgpu_queue *q = run->q;
	struct rp_vgpu_fault page = { .va = f->address,
		.need = f->is_store ? RP_GPU_WRITE : RP_GPU_READ };
	bool told = true;

	if (f->kind == RP_EXEC_CANCELED) {
		q->stopped = true;
		return RP_STEP_STOPPED;
	}
	why_not(q, f->address, &page);
	finish(run, f, f->kind == RP_EXEC_PAGE && page.poisoned);
	q->stopped = true;
	if (handler_told(run, f))
		return RP_STEP_STOPPED;
	switch (f->kind) {
	case RP_EXEC_PAGE:
		rp_queue_fault(q, "kernel", &page);
		break;
	case RP_EXEC_APERTURE:
		told = raise_error(q, INACTIVE_MEMORY_VIOLATION, EXCEPTION_APERTURE);
		break;
	case RP_EXEC_ILLEGAL:
		told = raise_error(q, INACTIVE_ILLEGAL, EXCEPTION_ILLEGAL);
		break;
	case RP_EXEC_TRAP:
		told = raise_error(q, INACTIVE_TRAP, EXCEPTION_TRAP);
		break;
	default:
		/* an opcode without semantics, a hang: no hardware says this; the program must not wait for ever */
		rp_vgpu_note(q->vgpu, "kernel: %s", rp_exec_fault_name(f->kind));
		told = raise_error(q, INACTIVE_OTHER, EXCEPTION_ABORT);
		break;
	}
	if (!told)
		rp_vgpu_note(q->vgpu, "an error that the runtime could not be told of");
	return RP_STEP_STOPPED;
}

enum rp_step rp_execute(struct rp_vgpu_dispatch *run)
{
	struct rp_vgpu_queue *q = run->queue;
	struct rp_vgpu *vgpu = q->vgpu;
	struct rp_exec *x = executor(vgpu, &vgpu->gpu[q->gpu]);
	struct rp_vgpu_fault fault = { .va = 0 };
	struct rp_exec_fault stop;
	struct rp_exec_dispatch d;
	struct running running = { .q = q, .d = &d };
	enum rp_step step = RP_STEP_RAN;
	struct rp_error err = RP_ERROR_INIT;
	struct rp_exec_report *report;
	int r;

	if (!x) { /* noted; the program must not wait for ever */
		q->stopped = true;
		if (!raise_error(q, INACTIVE_OTHER, EXCEPTION_ABORT))
			rp_vgpu_note(vgpu, "an error that the runtime could not be told of");
		return RP_STEP_STOPPED;
	}
	if (describe(run, &d, &fault) < 0) {
		rp_queue_fault(q, "kernel_descriptor", &fault);
		return RP_STEP_STOPPED;
	}
	d.message = on_message;
	d.trap_handler = on_trap;
	d.data = &running;
	report = calloc(1, sizeof(*report));
	if (report && vgpu->report_path)
		report->count = calloc(rp_isa_n_rows, sizeof(*report->count));
	running.report = report;
	r = rp_exec_dispatch(x, &d, report, &stop, &err);
	count_once(&running);
	if (r == -EIO)
		step = stopped(&running, &stop);
	if (report)
		free(report->count);
	free(report);
	if (r == 0 || r == -EIO)
		return step;
	tell(vgpu, err.text);
	report_stop(vgpu, err.text);
	rp_vgpu_note(vgpu, "dispatch: %s", err.text);
	q->stopped = true;
	if (!raise_error(q, INACTIVE_OTHER, EXCEPTION_ABORT))
		rp_vgpu_note(vgpu, "an error that the runtime could not be told of");
	return RP_STEP_STOPPED;
}

/* What acted, for the end of the program. */
void rp_execute_summary(struct rp_vgpu *vgpu, struct rp_buf *ret)
{
	(void)pthread_mutex_lock(&vgpu->notes_lock);
	for (unsigned int i = 0; i < RP_CHIP_FEATURE_MAX; i++)
		if (vgpu->report.defects[i])
			rp_buf_addf(ret, "%s acted %" PRIu64 " time%s: %s\n",
				rp_chip_feature_info(i)->name, vgpu->report.defects[i],
				vgpu->report.defects[i] == 1 ? "" : "s",
				rp_chip_feature_info(i)->what);
	for (unsigned int i = 0; i < RP_HAZARD_MAX; i++)
		if (vgpu->report.hazards[i])
			rp_buf_addf(ret, "hazard %s on the executed path: %" PRIu64 " time%s\n",
				rp_hazard_name(i), vgpu->report.hazards[i],
				vgpu->report.hazards[i] == 1 ? "" : "s");
	(void)pthread_mutex_unlock(&vgpu->notes_lock);
}
