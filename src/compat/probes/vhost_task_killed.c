/* Threads of a process that work for the kernel can be told that it was killed. */
#include <linux/types.h>
#include <linux/sched/vhost_task.h>

struct vhost_task *probe(bool (*fn)(void *), void (*killed)(void *));
struct vhost_task *probe(bool (*fn)(void *), void (*killed)(void *))
{
	return vhost_task_create(fn, killed, NULL, "probe");
}
