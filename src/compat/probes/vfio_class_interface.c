/* Linux 6.4 dropped the interface from the callbacks of class_interface (2243acd50ac4). */
#include <linux/device.h>

int probe_add(struct device *dev);
struct class_interface probe = { .add_dev = probe_add };
