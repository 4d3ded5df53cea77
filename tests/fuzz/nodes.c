// SPDX-License-Identifier: GPL-2.0-only
/* The machine's VFIO devices, which programs use one after another, and those made for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "fuzz.h"
#include "hot.h"
#include "legacy.h"
#include "tap.h"

#define EDUS_MAX 8
struct place edus[EDUS_MAX];
unsigned int n_edus;

void nodes_find(void)
{
	struct device dev;
	const char *bdf;

	while (n_edus < EDUS_MAX && (bdf = device_find("edu", n_edus))) {
		struct place *place = &edus[n_edus];

		if (device_open(&dev, bdf))
			break;
		device_close(&dev);
		sscanf(strrchr(dev.node, '/'), "/vfio%u", &place->node);
		place->group = device_group(bdf);
		memcpy(place->bdf, dev.bdf, sizeof(place->bdf));
		n_edus++;
	}
}

/* 0, or the errno of what is wrong with it. */
static int use_node(const struct place *place, struct hot_info *info)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC), ret;
	struct device dev;

	if (fd < 0)
		return -errno;
	ret = device_open(&dev, place->bdf);
	if (!ret) {
		ret = device_bind(&dev, fd);
		if (!ret && info)
			ret = hot_info(dev.fd, info);
		device_close(&dev);
	}
	close(fd);
	return ret;
}

bool nodes_can_reset(void)
{
	struct hot_info info;
	unsigned int i;

	for (i = 0; i < n_edus; i++) {
		if (!use_node(&edus[i], &info))
			return true;
	}
	return false;
}

/* A file's release may be on its way still. */
static bool settle(const struct place *place)
{
	double end = tap_now() + 10 * tap_patience();
	struct timespec step = { 0, 10000000 };
	bool legacy = false;
	int ret;

	for (;;) {
		ret = use_node(place, NULL);
		legacy = !ret && legacy_is_free(place->bdf);
		if (legacy)
			return true;
		if (tap_now() > end)
			break;
		nanosleep(&step, NULL);
	}
	printf("# %s is in use by nobody, but %s: %s\n", place->bdf,
	       ret ? "its node isn't free" : "the legacy path isn't free", strerror(-ret));
	return false;
}

bool nodes_settle(void)
{
	unsigned int i;

	for (i = 0; i < n_edus; i++) {
		if (!settle(&edus[i]))
			return false;
	}
	return true;
}

const struct place *place_of(struct world *world, uint64_t value)
{
	if (value < n_edus)
		return &edus[value];
	return value < PLACES_MAX ? &world->commons->places[value] : NULL;
}

void place_made(struct world *world, const struct place *place)
{
	struct commons *commons = world->commons;
	unsigned int at = atomic_fetch_add(&commons->n_places, 1);

	at = n_edus + at % (PLACES_MAX - n_edus);
	commons->places[at] = *place;
	world_made(world, VMOCK, at);
}
