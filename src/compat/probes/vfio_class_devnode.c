/* A class names its device nodes without changing the device (6.2). */
#include <linux/device.h>

char *probe_devnode(const struct device *dev, umode_t *mode);
struct class probe = { .devnode = probe_devnode };
