// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset: reset of all devices on a bus or in a slot, for devices that can't be reset
 * individually.  Stock drivers require that the caller has the legacy groups of all of them
 * open; here the context must have bound all of them, or own the group of those it hasn't.
 *
 * Two lists of devices: the *affected* ones are those that the reset reaches according to
 * the PCI core, with any driver.  The *set* is dev_set, the VFIO devices that are reset
 * together.  A reset is allowed if all affected devices are in the set, and all in the set
 * belong to vfio-pci-core and to the context.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include "../compat/vfio_pci.h"
#include "../core/refusal.h"
#include "vfio.h"

/* The devices affected by a reset, each with a reference. */
struct affected {
	struct pci_slot *slot;		/* the slot to reset, NULL to reset the bus */
	u32 count;			/* may exceed @room if devices were added */
	u32 room;			/* entries in @devs */
	struct pci_dev **devs;
};

static bool affected_is_below(struct pci_dev *pdev, struct pci_slot *slot)
{
	while (pdev && pdev->bus != slot->bus)
		pdev = pdev->bus->self;
	return pdev && pdev->slot == slot;
}

static int affected_note(struct pci_dev *pdev, void *data)
{
	struct affected *all = data;

	if (all->slot && !affected_is_below(pdev, all->slot))
		return 0;
	if (all->count < all->room)
		all->devs[all->count] = pci_dev_get(pdev);
	all->count++;
	return 0;
}

static void affected_put(struct affected *all)
{
	while (all->room)
		pci_dev_put(all->devs[--all->room]);
	kfree(all->devs);
}

/* -ENODEV if neither slot nor bus can be reset, -EAGAIN if devices are added meanwhile. */
static int affected_get(struct affected *all, struct pci_dev *pdev)
{
	*all = (struct affected){};
	if (!pci_probe_reset_slot(pdev->slot))
		all->slot = pdev->slot;
	else if (pci_probe_reset_bus(pdev->bus))
		return -ENODEV;

	pci_walk_bus(pdev->bus, affected_note, all);
	all->devs = kcalloc(all->count, sizeof(*all->devs), GFP_KERNEL_ACCOUNT);
	if (!all->devs)
		return -ENOMEM;
	all->room = all->count;
	all->count = 0;
	pci_walk_bus(pdev->bus, affected_note, all);
	if (all->count <= all->room) {
		all->room = all->count;
		return 0;
	}
	affected_put(all);
	return -EAGAIN;
}

static struct vfio_device *reset_set_find(struct vfio_device_set *set, struct device *dev)
{
	struct vfio_device *vdev;

	lockdep_assert_held(&set->lock);
	list_for_each_entry(vdev, &set->device_list, dev_set_list)
		if (vdev->dev == dev)
			return vdev;
	return NULL;
}

static size_t reset_set_count(const struct list_head *list)
{
	const struct list_head *item;
	size_t count = 0;

	list_for_each(item, list)
		count++;
	return count;
}

/*
 * Return the ID of a device of the set in the file's context, VFIO_PCI_DEVID_OWNED if it
 * isn't bound but the context owns its group, so that no one else can bind it, or
 * VFIO_PCI_DEVID_NOT_OWNED.
 */
static s32 hot_reset_devid(struct vfio_device_file *df, struct vfio_device *vdev)
{
	struct vfio_device_file *other = device_file_bound_to(vdev);
	struct iommu_group *group;
	bool owned;

	device_file_assert_locked(df);
	if (other && other->ictx == df->ictx)
		return iommufd_device_to_id(other->idev);
	group = iommu_group_get(vdev->dev);
	owned = iommufd_ctx_has_group(df->ictx, group);
	iommu_group_put(group);
	return owned ? VFIO_PCI_DEVID_OWNED : VFIO_PCI_DEVID_NOT_OWNED;
}

static void hot_reset_fill_info(struct vfio_device_file *df, const struct affected *all,
				struct vfio_uapi_reset_device *out, u32 *flags)
{
	struct vfio_device_set *set = df->vdev->dev_set;
	struct vfio_device *vdev;
	u32 i;

	*flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID | VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	for (i = 0; i < all->count; i++) {
		struct pci_dev *pdev = all->devs[i];

		vdev = reset_set_find(set, &pdev->dev);
		out[i] = (struct vfio_uapi_reset_device){
			.devid = vdev ? hot_reset_devid(df, vdev) :
					VFIO_PCI_DEVID_NOT_OWNED,
			.segment = pci_domain_nr(pdev->bus),
			.bus = pdev->bus->number,
			.devfn = pdev->devfn,
		};
		if (out[i].devid == VFIO_PCI_DEVID_NOT_OWNED)
			*flags &= ~VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	}
}

static int hot_reset_put_info(struct vfio_device_file *df, const struct affected *all,
			      struct vfio_pci_hot_reset_info *info,
			      struct vfio_pci_hot_reset_info __user *user)
{
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct vfio_uapi_reset_device *out;
	int rc;

	out = kcalloc(all->count, sizeof(*out), GFP_KERNEL_ACCOUNT);
	if (!out)
		return -ENOMEM;
	rc = mutex_lock_killable(lock);
	if (!rc) {
		hot_reset_fill_info(df, all, out, &info->flags);
		mutex_unlock(lock);
		if (copy_to_user((void __user *)user + sizeof(*info), out,
				 array_size(all->count, sizeof(*out))))
			rc = -EFAULT;
	}
	kfree(out);
	return rc;
}

long device_file_hot_reset_info(struct vfio_device_file *df,
				struct vfio_pci_hot_reset_info __user *user)
{
	const size_t known = offsetofend(struct vfio_pci_hot_reset_info, count);
	struct vfio_pci_hot_reset_info info;
	struct affected all;
	int rc;

	if (!compat_pci_core(df->vdev))
		return -ENOTTY;
	if (copy_from_user(&info, user, known))
		return -EFAULT;
	if (info.argsz < known)
		return -EINVAL;
	rc = affected_get(&all, to_pci_dev(df->vdev->dev));
	if (rc)
		return rc;

	info.flags = 0;
	info.count = all.count;
	if (all.count > (info.argsz - known) / sizeof(struct vfio_uapi_reset_device))
		rc = -ENOSPC;
	else
		rc = hot_reset_put_info(df, &all, &info, user);
	if ((!rc || rc == -ENOSPC) && copy_to_user(user, &info, known))
		rc = -EFAULT;
	affected_put(&all);
	return rc;
}

/* The devices of a set, which doesn't change while its lock is held. */
struct reset_set {
	unsigned int count;
	struct vfio_pci_core_device **cores;
	bool can_revoke;	/* DMA-bufs, by compat_pci_revoke() */
};

static int hot_reset_check_affected(struct vfio_device_file *df)
{
	struct vfio_device_set *set = df->vdev->dev_set;
	struct affected all;
	int rc;
	u32 i;

	rc = affected_get(&all, to_pci_dev(df->vdev->dev));
	if (rc)
		return rc == -ENODEV ? -EINVAL : rc;
	for (i = 0; !rc && i < all.count; i++) {
		if (reset_set_find(set, &all.devs[i]->dev))
			continue;
		rc = -EINVAL;
		log_refused(&all.devs[i]->dev, "hot reset", rc, "it has no VFIO driver");
	}
	affected_put(&all);
	return rc;
}

static int reset_set_collect(struct vfio_device_file *df, struct reset_set *all)
{
	struct vfio_device_set *set = df->vdev->dev_set;
	struct vfio_pci_core_device *core;
	struct vfio_device *vdev;

	*all = (struct reset_set){};
	all->cores = kcalloc(reset_set_count(&set->device_list), sizeof(*all->cores),
			     GFP_KERNEL_ACCOUNT);
	if (!all->cores)
		return -ENOMEM;
	list_for_each_entry(vdev, &set->device_list, dev_set_list) {
		core = compat_pci_core(vdev);
		if (!core || hot_reset_devid(df, vdev) == VFIO_PCI_DEVID_NOT_OWNED) {
			log_refused(vdev->dev, "hot reset", -EINVAL, "%s", core ?
				    "the context doesn't own its group" :
				    "its driver isn't based on vfio-pci-core");
			kfree(all->cores);
			return -EINVAL;
		}
		all->cores[all->count++] = core;
	}
	return 0;
}

static void reset_set_let_sleep(struct reset_set *all, unsigned int count)
{
	while (count--)
		pm_runtime_put(&all->cores[count]->pdev->dev);
}

static int reset_set_wake(struct reset_set *all)
{
	unsigned int i;
	int rc;

	for (i = 0; i < all->count; i++) {
		rc = pm_runtime_resume_and_get(&all->cores[i]->pdev->dev);
		if (rc) {
			reset_set_let_sleep(all, i);
			return rc;
		}
	}
	return 0;
}

/* @maps devices have their mappings blocked, the first @memory of them all access. */
struct blocked {
	unsigned int maps;
	unsigned int memory;
};

static void reset_set_unblock(struct reset_set *all, const struct blocked *blocked)
{
	unsigned int i;

	for (i = blocked->maps; i--; ) {
		if (i < blocked->memory)
			compat_pci_unblock_memory(all->cores[i]);
		else
			compat_pci_unblock_maps(all->cores[i]);
	}
}

static int reset_set_block(struct reset_set *all, struct blocked *blocked)
{
	int rc = 0;

	*blocked = (struct blocked){};
	while (!rc && blocked->maps < all->count) {
		rc = compat_pci_block_maps(all->cores[blocked->maps]);
		if (!rc)
			blocked->maps++;
	}
	while (!rc && blocked->memory < all->count) {
		rc = compat_pci_block_memory(all->cores[blocked->memory]);
		if (!rc)
			blocked->memory++;
	}
	if (rc)
		reset_set_unblock(all, blocked);
	return rc;
}

/*
 * Bring a device out of a D3 state that its user set.  Some devices lose their config space
 * on the way, and vfio-pci-core has saved it; the PCI core's own transition in the reset
 * wouldn't restore that.
 */
static void hot_reset_power_up(struct vfio_pci_core_device *core)
{
	struct pci_dev *pdev = core->pdev;
	bool forgets = core->needs_pm_restore && pdev->current_state >= PCI_D3hot;

	if (pci_set_power_state(pdev, PCI_D0) || !forgets)
		return;
	pci_load_and_free_saved_state(pdev, &core->pm_save);
	pci_restore_state(pdev);
}

/* A device whose memory is exported as a DMA-buf that may be in use, or NULL. */
static struct vfio_pci_core_device *reset_set_exporter(struct reset_set *all)
{
	unsigned int i;

	for (i = 0; i < all->count; i++) {
		if (compat_pci_is_exported(all->cores[i]))
			return all->cores[i];
	}
	return NULL;
}

static int reset_set_find_revoke(struct reset_set *all, struct vfio_pci_core_device *exporter)
{
	int rc = compat_pci_find_revoke();

	all->can_revoke = !rc;
	if (rc != -EOPNOTSUPP)
		return rc;
	log_refused(&exporter->pdev->dev, "hot reset", -EBUSY,
		    "its memory is exported as a DMA-buf, which can't be revoked on this kernel");
	return -EBUSY;
}

/*
 * As reset_set_block(), and be able to revoke DMA-bufs if there are any.  What looks up how
 * must not be called with memory_lock held, so block anew after that.
 */
static int reset_set_block_exports(struct reset_set *all, struct blocked *blocked)
{
	struct vfio_pci_core_device *exporter;
	int rc;

	rc = reset_set_block(all, blocked);
	if (rc)
		return rc;
	exporter = reset_set_exporter(all);
	if (!exporter)
		return 0;
	reset_set_unblock(all, blocked);
	rc = reset_set_find_revoke(all, exporter);
	return rc ?: reset_set_block(all, blocked);
}

static int reset_set_reset_blocked(struct reset_set *all, struct pci_dev *pdev)
{
	unsigned int i;
	int rc;

	for (i = 0; i < all->count; i++) {
		if (all->can_revoke)
			compat_pci_revoke(all->cores[i]);
	}
	for (i = 0; i < all->count; i++)
		hot_reset_power_up(all->cores[i]);
	rc = pci_reset_bus(pdev);
	for (i = 0; i < all->count; i++) {
		if (all->can_revoke)
			compat_pci_restore(all->cores[i]);
	}
	return rc;
}

/* @pdev: the device whose slot or bus hot_reset_check_affected() has checked. */
static int reset_set_reset_awake(struct reset_set *all, struct pci_dev *pdev)
{
	struct blocked blocked;
	unsigned int i;
	int rc;

	rc = reset_set_block_exports(all, &blocked);
	if (rc)
		return rc;
	rc = reset_set_reset_blocked(all, pdev);
	reset_set_unblock(all, &blocked);
	/* A device that the reset woke exports again. */
	for (i = 0; i < all->count; i++) {
		if (!all->can_revoke)
			compat_pci_export_again(all->cores[i]);
	}
	return rc;
}

static int hot_reset_locked(struct vfio_device_file *df)
{
	struct reset_set all;
	int rc;

	device_file_assert_locked(df);
	rc = hot_reset_check_affected(df);
	if (rc)
		return rc;
	rc = reset_set_collect(df, &all);
	if (rc)
		return rc;
	rc = reset_set_wake(&all);
	if (!rc) {
		rc = reset_set_reset_awake(&all, to_pci_dev(df->vdev->dev));
		reset_set_let_sleep(&all, all.count);
	}
	kfree(all.cores);
	return rc;
}

long device_file_hot_reset(struct vfio_device_file *df, struct vfio_pci_hot_reset __user *user)
{
	const size_t known = offsetofend(struct vfio_pci_hot_reset, count);
	struct mutex *lock = &df->vdev->dev_set->lock;
	struct vfio_pci_hot_reset arg;
	struct pci_dev *pdev;
	int rc;

	if (!compat_pci_core(df->vdev))
		return -ENOTTY;
	if (copy_from_user(&arg, user, known))
		return -EFAULT;
	/* A list of group files is for the legacy path only. */
	if (arg.argsz < known || arg.flags || arg.count)
		return -EINVAL;
	pdev = to_pci_dev(df->vdev->dev);
	if (pci_probe_reset_slot(pdev->slot) && pci_probe_reset_bus(pdev->bus))
		return -ENODEV;

	rc = mutex_lock_killable(lock);
	if (rc)
		return rc;
	rc = hot_reset_locked(df);
	mutex_unlock(lock);
	return rc;
}
