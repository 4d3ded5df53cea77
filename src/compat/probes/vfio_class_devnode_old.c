/* Until Linux 6.1, the device of class.devnode() wasn't const (ff62b8e6588f). */
#include <linux/device.h>

char *probe_devnode(struct device *dev, umode_t *mode);
struct class probe = { .devnode = probe_devnode };
