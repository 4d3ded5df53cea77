/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that aren't ioctls.  They return -1 with errno 0 if they make no call. */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include <stdint.h>

struct world;

#define RUN(_name)	int run_##_name(struct world *world, const uint64_t *values)

/* calls.c: of /dev/iommu and its files */
RUN(read);
RUN(respond);
RUN(poll);
RUN(close);
RUN(mmap);
RUN(munmap);
RUN(discard);
RUN(poke);
RUN(memfd);
RUN(truncate);
RUN(type1_set);
RUN(eventfd);
RUN(signal);
RUN(context);
RUN(fdinfo);
/* Keeps what was mapped, for munmap and touch. */
int note_window(char *at, uint64_t length);
RUN(touch);

/* calls_node.c: of VFIO device files */
RUN(open);
RUN(set_irqs);
RUN(reset);
RUN(ioeventfd);
RUN(node_read);
RUN(node_write);
RUN(node_mmap);
RUN(group_open);
RUN(group_device);

/* calls_feature.c: features of these, and the test driver's devices */
RUN(vfio_make);
RUN(feature);
RUN(migrate);
RUN(lend);
RUN(low_power);
RUN(state_io);

/* process.c */
RUN(send);
RUN(receive);

#endif
