// SPDX-License-Identifier: GPL-2.0-only
/* Which call of which task fails, and what memory is live: see inject.h. */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/sysfs.h>

/* First of the module's objects, as inject_end.o is the last: the sites are between. */
static struct inject_site *first __used __section(INJECT_SECTION);
extern struct inject_site *inject_last;

static DEFINE_SPINLOCK(lock);		/* guards what follows, and the sites' counts */
static LIST_HEAD(injections);
static DEFINE_HASHTABLE(live, 12);

int inject_armed;
EXPORT_SYMBOL_NS_GPL(inject_armed, "IOMMUFD");
bool inject_tracking;
EXPORT_SYMBOL_NS_GPL(inject_tracking, "IOMMUFD");

/* A piece of memory; its site may be gone with its module. */
struct piece {
	struct hlist_node node;
	const void *p;
	char where[64];
};

static void describe(char *where, size_t size, const struct inject_site *site)
{
	const char *file = strstr(site->file, "src/") ?: strstr(site->file, "tests/");

	snprintf(where, size, "%s:%u %s", file ?: kbasename(site->file), site->line,
		 site->what);
}

void inject_arm(struct injection *injection)
{
	unsigned long flags;

	injection->seen = 0;
	injection->fired = 0;
	injection->where[0] = '\0';
	spin_lock_irqsave(&lock, flags);
	list_add(&injection->item, &injections);
	WRITE_ONCE(inject_armed, inject_armed + 1);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_NS_GPL(inject_arm, "IOMMUFD");

void inject_disarm(struct injection *injection)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	list_del_init(&injection->item);
	WRITE_ONCE(inject_armed, inject_armed - 1);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_NS_GPL(inject_disarm, "IOMMUFD");

/* Are we within a function that nobody else can meet, and that counts on it? */
static bool is_alone(void)
{
	static const char *const alone[] = { "ioas_destroy" };
	unsigned long trace[24];
	unsigned int n, i, j;
	char name[32];

	n = stack_trace_save(trace, ARRAY_SIZE(trace), 0);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%ps", (void *)trace[i]);
		for (j = 0; j < ARRAY_SIZE(alone); j++) {
			if (strstarts(name, alone[j]))
				return true;
		}
	}
	return false;
}

static bool injection_hit_before(const struct injection *injection,
				 const struct inject_site *site)
{
	char where[sizeof(injection->where)];

	describe(where, sizeof(where), site);
	return !strcmp(where, injection->where);
}

static bool injection_hit(struct injection *injection, struct inject_site *site)
{
	site->hits++;
	injection->seen++;
	if (injection->seen < injection->nth || !injection->nth)
		return false;
	if (injection->again && injection->fired)
		return injection_hit_before(injection, site);
	if (injection->seen > injection->nth &&
	    !(injection->onward && site->kind == INJECT_MEMORY))
		return false;
	site->fired++;
	if (!injection->fired++)
		describe(injection->where, sizeof(injection->where), site);
	return true;
}

bool inject_check(struct inject_site *site)
{
	struct injection *injection;
	unsigned long flags;
	bool fails = false;

	if (!in_task() || (site->kind == INJECT_WAIT && is_alone()))
		return false;
	spin_lock_irqsave(&lock, flags);
	list_for_each_entry(injection, &injections, item) {
		if (injection->task == current) {
			fails = injection_hit(injection, site);
			break;
		}
	}
	spin_unlock_irqrestore(&lock, flags);
	return fails;
}
EXPORT_SYMBOL_NS_GPL(inject_check, "IOMMUFD");

static void piece_forget(const void *p)
{
	struct piece *piece;

	hash_for_each_possible(live, piece, node, (unsigned long)p) {
		if (piece->p == p) {
			hash_del(&piece->node);
			kfree(piece);
			return;
		}
	}
}

void inject_track_all(bool on)
{
	struct hlist_node *next;
	struct piece *piece;
	unsigned long flags;
	int bucket;

	spin_lock_irqsave(&lock, flags);
	WRITE_ONCE(inject_tracking, on);
	hash_for_each_safe(live, bucket, next, piece, node) {
		hash_del(&piece->node);
		kfree(piece);
	}
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_NS_GPL(inject_track_all, "IOMMUFD");

void *inject_remember(void *p, const struct inject_site *site)
{
	struct piece *piece;
	unsigned long flags;

	/* The mock has the core free some of its memory. */
	if (IS_ERR_OR_NULL(p) || strstr(site->file, "tests/"))
		return p;
	piece = kmalloc(sizeof(*piece), GFP_ATOMIC);
	if (!piece)
		return p;
	piece->p = p;
	describe(piece->where, sizeof(piece->where), site);
	spin_lock_irqsave(&lock, flags);
	/* The kernel may have freed what lay here before. */
	piece_forget(p);
	hash_add(live, &piece->node, (unsigned long)p);
	spin_unlock_irqrestore(&lock, flags);
	return p;
}
EXPORT_SYMBOL_NS_GPL(inject_remember, "IOMMUFD");

void inject_forget(const void *p)
{
	unsigned long flags;

	if (!READ_ONCE(inject_tracking) || IS_ERR_OR_NULL(p))
		return;
	spin_lock_irqsave(&lock, flags);
	piece_forget(p);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_NS_GPL(inject_forget, "IOMMUFD");

void inject_each_live(void (*fn)(void *data, const char *where), void *data)
{
	struct piece *piece;
	unsigned long flags;
	int bucket;

	spin_lock_irqsave(&lock, flags);
	hash_for_each(live, bucket, piece, node)
		fn(data, piece->where);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_NS_GPL(inject_each_live, "IOMMUFD");

void inject_each_site(void (*fn)(void *data, const struct inject_site *site), void *data)
{
	struct inject_site **site = &first, **last = &inject_last;

	/* Not one array, as far as the compiler knows. */
	OPTIMIZER_HIDE_VAR(site);
	OPTIMIZER_HIDE_VAR(last);
	for (; site < last; site++) {
		if (*site)
			fn(data, *site);
	}
}
EXPORT_SYMBOL_NS_GPL(inject_each_site, "IOMMUFD");

/*
 * For the initialisation of a module, which the task that sets this loads then; of iommufd.ko
 * too, if this is its argument.  Reading ends it, as 0 does.  The task may be gone by then, and
 * is only compared with, so nobody else is to use our modules meanwhile.
 */
static struct injection init_injection = {
	.item = LIST_HEAD_INIT(init_injection.item),
	.again = true,		/* busybox tries another way of loading when one fails */
};

static void init_end(void)
{
	if (init_injection.task)
		inject_disarm(&init_injection);
	init_injection.task = NULL;
}

static int init_set(const char *value, const struct kernel_param *param)
{
	unsigned long nth;
	int rc = kstrtoul(value, 10, &nth);

	if (rc)
		return rc;
	init_end();
	if (!nth)
		return 0;
	init_injection.nth = nth;
	init_injection.task = current;
	inject_arm(&init_injection);
	return 0;
}

static int init_get(char *buffer, const struct kernel_param *param)
{
	init_end();
	return sysfs_emit(buffer, "fired %lu of %lu %s\n", init_injection.fired,
			  init_injection.seen, init_injection.where);
}

static const struct kernel_param_ops init_param = { .set = init_set, .get = init_get };
module_param_cb(fail_init, &init_param, NULL, 0600);
MODULE_PARM_DESC(fail_init, "the call of this task that fails, from now on");
