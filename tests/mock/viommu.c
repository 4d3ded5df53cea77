// SPDX-License-Identifier: GPL-2.0-only
/*
 * vIOMMUs of the mock: caches of devices to invalidate by virtual IDs, a window of
 * registers that are memory, events, and two queues of which the second needs the
 * first.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "driver.h"

#define WINDOW_ORDER	1
#define WINDOW_SIZE	(PAGE_SIZE << WINDOW_ORDER)

struct mock_queue {
	struct hw_queue hw;
	struct mock_queue *first;	/* which can't go before this one, or NULL */
	u32 index;
};

struct mock_viommu {
	struct hw_viommu hw;
	struct iommu_domain *parent;
	unsigned long window;		/* what mmap() finds it by, if there are @registers */
	u32 *registers;
	struct mutex lock;		/* guards @queues */
	struct mock_queue *queues[IOMMU_TEST_HW_QUEUE_MAX];
};

static struct mock_viommu *to_mock_viommu(struct hw_viommu *hw)
{
	return container_of(hw, struct mock_viommu, hw);
}

static struct mock_queue *to_mock_queue(struct hw_queue *hw)
{
	return container_of(hw, struct mock_queue, hw);
}

int mock_viommu_virt_id(struct mock_viommu *viommu, struct device *dev, u64 *virt_id)
{
	return viommu_virt_id(&viommu->hw, dev, virt_id);
}

int mock_device_event(struct device *dev)
{
	struct mock_device *mock = to_mock_device(dev);
	struct iommu_viommu_event_selftest event = {};
	int rc = -ENOENT;

	down_read(&mock->viommu_lock);
	if (mock->viommu && mock->virt_id) {
		event.virt_id = mock->virt_id;
		rc = viommu_report_event(&mock->viommu->hw,
					 IOMMU_VEVENTQ_TYPE_SELFTEST, &event,
					 sizeof(event));
	}
	up_read(&mock->viommu_lock);
	return rc;
}

static struct iommu_domain *nested_alloc(struct hw_viommu *hw, u32 flags,
					 const struct iommu_user_data *data)
{
	return mock_nested_new(to_mock_viommu(hw), flags, data);
}

static int invalidate_device(struct device *dev, void *arg)
{
	struct iommu_viommu_invalidate_selftest *what = arg;
	struct mock_device *mock = to_mock_device(dev);

	if (what->flags & IOMMU_TEST_INVALIDATE_FLAG_ALL)
		memset(mock->cache, 0, sizeof(mock->cache));
	else
		WRITE_ONCE(mock->cache[what->cache_id], 0);
	return 0;
}

static int invalidate_one(struct hw_viommu *hw, struct iommu_user_data_array *array,
			  u32 index)
{
	struct iommu_viommu_invalidate_selftest what;
	int rc;

	rc = iommu_copy_struct_from_user_array(&what, array,
					       IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST,
					       index, cache_id);
	if (rc)
		return rc;
	if (what.flags & ~IOMMU_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (what.cache_id > MOCK_DEV_CACHE_ID_MAX)
		return -EINVAL;
	rc = viommu_with_device(hw, what.vdev_id, invalidate_device, &what);
	return rc == -ENOENT ? -EINVAL : rc;
}

/* Entries before one that is wrong are done.  Without any, it is only the type's test. */
static int invalidate(struct hw_viommu *hw, struct iommu_user_data_array *array)
{
	u32 done = 0;
	int rc = 0;

	if (array->type != IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST)
		rc = -EINVAL;
	while (!rc && done < array->entry_num) {
		rc = invalidate_one(hw, array, done);
		if (!rc)
			done++;
	}
	array->entry_num = done;
	return rc;
}

static size_t queue_size(struct hw_viommu *hw, u32 type)
{
	return type == IOMMU_HW_QUEUE_TYPE_SELFTEST ? sizeof(struct mock_queue) : 0;
}

/* With the vIOMMU's lock held. */
static int place_queue(struct mock_viommu *viommu, struct mock_queue *queue,
		       phys_addr_t base)
{
	u32 index = queue->index;
	int rc;

	if (viommu->queues[index])
		return -EEXIST;
	if (index && !viommu->queues[index - 1])
		return -EIO;
	/* Hardware would read from there. */
	if (base != mock_translate(viommu->parent, queue->hw.iova))
		return -EFAULT;
	if (index) {
		rc = hw_queue_depend(&queue->hw, &viommu->queues[index - 1]->hw);
		if (rc)
			return rc;
		queue->first = viommu->queues[index - 1];
	}
	viommu->queues[index] = queue;
	return 0;
}

static int queue_init(struct hw_queue *hw, u32 index, phys_addr_t base)
{
	struct mock_viommu *viommu = to_mock_viommu(hw->viommu);
	struct mock_queue *queue = to_mock_queue(hw);
	int rc;

	if (index >= IOMMU_TEST_HW_QUEUE_MAX)
		return -EINVAL;
	if (inject_point("queue_init"))
		return -ENOMEM;
	queue->index = index;
	mutex_lock(&viommu->lock);
	rc = place_queue(viommu, queue, base);
	mutex_unlock(&viommu->lock);
	return rc;
}

static void queue_destroy(struct hw_queue *hw)
{
	struct mock_viommu *viommu = to_mock_viommu(hw->viommu);
	struct mock_queue *queue = to_mock_queue(hw);

	mutex_lock(&viommu->lock);
	WARN_ON(viommu->queues[queue->index] != queue);
	viommu->queues[queue->index] = NULL;
	if (queue->first)
		hw_queue_undepend(&queue->hw, &queue->first->hw);
	mutex_unlock(&viommu->lock);
}

static void destroy(struct hw_viommu *hw)
{
	struct mock_viommu *viommu = to_mock_viommu(hw);

	if (viommu->registers) {
		viommu_remove_window(hw, viommu->window);
		free_pages((unsigned long)viommu->registers, WINDOW_ORDER);
	}
	mutex_destroy(&viommu->lock);
}

static const struct hw_viommu_ops viommu_ops = {
	.destroy = destroy,
	.nested_alloc = nested_alloc,
	.invalidate = invalidate,
	.queue_size = queue_size,
	.queue_init = queue_init,
	.queue_destroy = queue_destroy,
};

size_t mock_viommu_size(struct device *dev, u32 type)
{
	return type == IOMMU_VIOMMU_TYPE_SELFTEST ? sizeof(struct mock_viommu) : 0;
}

/* The first register tells what user space said, as does the answer. */
static int make_window(struct mock_viommu *viommu,
		       const struct iommu_user_data *user)
{
	struct iommu_viommu_selftest data;
	int rc;

	rc = iommu_copy_struct_from_user(&data, user, IOMMU_VIOMMU_TYPE_SELFTEST,
					 out_data);
	if (rc)
		return rc;
	viommu->registers = (u32 *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO,
						    WINDOW_ORDER);
	if (!viommu->registers)
		return -ENOMEM;
	*viommu->registers = data.in_data;
	rc = viommu_add_window(&viommu->hw, virt_to_phys(viommu->registers),
			       WINDOW_SIZE, &viommu->window);
	if (rc)
		goto err_pages;
	data.out_data = data.in_data;
	data.out_mmap_offset = viommu->window;
	data.out_mmap_length = WINDOW_SIZE;
	rc = iommu_copy_struct_to_user(user, &data, IOMMU_VIOMMU_TYPE_SELFTEST,
				       out_data);
	if (rc)
		goto err_window;
	return 0;

err_window:
	viommu_remove_window(&viommu->hw, viommu->window);
err_pages:
	free_pages((unsigned long)viommu->registers, WINDOW_ORDER);
	viommu->registers = NULL;
	return rc;
}

int mock_viommu_init(struct hw_viommu *hw, struct iommu_domain *parent,
		     const struct iommu_user_data *data)
{
	struct mock_viommu *viommu = to_mock_viommu(hw);
	int rc;

	if (!mock_is_paging(parent))
		return -EINVAL;
	viommu->parent = parent;
	if (data) {
		rc = make_window(viommu, data);
		if (rc)
			return rc;
	}
	mutex_init(&viommu->lock);
	hw->ops = &viommu_ops;
	return 0;
}
