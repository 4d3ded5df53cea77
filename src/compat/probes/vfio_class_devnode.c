/* Linux 6.2 made the device of class.devnode() const (ff62b8e6588f). */
#include <linux/device.h>

char *probe_devnode(const struct device *dev, umode_t *mode);
struct class probe = { .devnode = probe_devnode };
