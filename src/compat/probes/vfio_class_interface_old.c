/* Until Linux 6.3, the callbacks of class_interface got the interface, too (2243acd50ac4). */
#include <linux/device.h>

int probe_add(struct device *dev, struct class_interface *interface);
struct class_interface probe = { .add_dev = probe_add };
