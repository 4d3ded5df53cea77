/* A class that names its device nodes may change the device (until 6.1). */
#include <linux/device.h>

char *probe_devnode(struct device *dev, umode_t *mode);
struct class probe = { .devnode = probe_devnode };
