/* The callbacks of a class interface get the device alone (6.4). */
#include <linux/device.h>

int probe_add(struct device *dev);
struct class_interface probe = { .add_dev = probe_add };
