/* Until Linux 6.7, eventfd_signal() took the number to add. */
#include <linux/eventfd.h>

void probe(struct eventfd_ctx *ctx);
void probe(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
