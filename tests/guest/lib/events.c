// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "events.h"

int faults_alloc(int iommufd, struct events *queue)
{
	struct iommu_fault_alloc c = { .size = sizeof(c) };
	int ret = iommu_ioctl(iommufd, IOMMU_FAULT_QUEUE_ALLOC, &c);

	if (!ret)
		*queue = (struct events){ c.out_fault_id, c.out_fault_fd };
	return ret;
}

int veventq_alloc(int iommufd, uint32_t viommu, uint32_t depth, struct events *queue)
{
	struct iommu_veventq_alloc c = {
		.size = sizeof(c), .viommu_id = viommu,
		.type = IOMMU_VEVENTQ_TYPE_SELFTEST, .veventq_depth = depth,
	};
	int ret = iommu_ioctl(iommufd, IOMMU_VEVENTQ_ALLOC, &c);

	if (!ret)
		*queue = (struct events){ c.out_veventq_id, c.out_veventq_fd };
	return ret;
}

int hwpt_with_faults(int iommufd, uint32_t dev, uint32_t pt, uint32_t flags,
		     uint32_t faults, uint32_t *id)
{
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = flags | IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev, .pt_id = pt, .fault_id = faults,
	};
	int ret = iommu_ioctl(iommufd, IOMMU_HWPT_ALLOC, &c);

	if (!ret)
		*id = c.out_hwpt_id;
	return ret;
}

int nested_with_faults(int iommufd, uint32_t dev, uint32_t pt, uint32_t faults,
		       uint32_t *id)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev, .pt_id = pt, .fault_id = faults,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	int ret = iommu_ioctl(iommufd, IOMMU_HWPT_ALLOC, &c);

	if (!ret)
		*id = c.out_hwpt_id;
	return ret;
}

static int trigger(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
		   uint64_t addr, uint32_t how)
{
	struct iommu_test_cmd c = {
		.__reserved = how,
		.trigger_iopf = {
			.dev_id = m->dev, .pasid = pasid, .grpid = group,
			.perm = IOMMU_PGFAULT_PERM_READ | IOMMU_PGFAULT_PERM_WRITE,
			.addr = addr,
		},
	};

	return mock_cmd(iommufd, IOMMU_TEST_OP_TRIGGER_IOPF, 0, &c);
}

int mock_fault(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
	       uint64_t addr)
{
	return trigger(iommufd, m, pasid, group, addr, 0);
}

int mock_fault_more(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
		    uint64_t addr)
{
	return trigger(iommufd, m, pasid, group, addr, MOCK_IOPF_MORE);
}

int mock_fault_hold(int iommufd, const struct mock *m, uint32_t pasid, uint32_t group,
		    uint64_t addr)
{
	return trigger(iommufd, m, pasid, group, addr, MOCK_IOPF_HOLD);
}

int mock_fault_go(int iommufd, const struct mock *m)
{
	return trigger(iommufd, m, 0, 0, 0, MOCK_IOPF_GO);
}

int mock_event(int iommufd, const struct mock *m)
{
	struct iommu_test_cmd c = { .trigger_vevent.dev_id = m->dev };

	return mock_cmd(iommufd, IOMMU_TEST_OP_TRIGGER_VEVENT, 0, &c);
}

int mock_pasid_attach(int iommufd, const struct mock *m, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd c = { .pasid_attach = { .pasid = pasid, .pt_id = pt } };

	return mock_cmd(iommufd, IOMMU_TEST_OP_PASID_ATTACH, m->stdev, &c);
}

int mock_pasid_detach(int iommufd, const struct mock *m, uint32_t pasid)
{
	struct iommu_test_cmd c = { .pasid_detach.pasid = pasid };

	return mock_cmd(iommufd, IOMMU_TEST_OP_PASID_DETACH, m->stdev, &c);
}

int events_read(const struct events *queue, void *buf, size_t size)
{
	ssize_t n = read(queue->fd, buf, size);

	return n < 0 ? -errno : n;
}

int faults_answer(const struct events *queue, uint32_t cookie, uint32_t code)
{
	struct iommu_hwpt_page_response r = { .cookie = cookie, .code = code };
	ssize_t n = write(queue->fd, &r, sizeof(r));

	return n < 0 ? -errno : n == sizeof(r) ? 0 : -EIO;
}

int events_poll(const struct events *queue)
{
	struct pollfd p = { .fd = queue->fd, .events = POLLIN | POLLOUT };

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

int events_wait(void *queue)
{
	struct pollfd p = { .fd = ((struct events *)queue)->fd, .events = POLLIN };

	return poll(&p, 1, -1) == 1 ? p.revents : -errno;
}
