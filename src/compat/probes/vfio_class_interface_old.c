/* The callbacks of a class interface get the interface, too (until 6.3). */
#include <linux/device.h>

int probe_add(struct device *dev, struct class_interface *interface);
struct class_interface probe = { .add_dev = probe_add };
