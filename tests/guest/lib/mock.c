// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mock.h"
#include "tap.h"

int mock_cmd(int fd, uint32_t op, uint32_t id, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	cmd->id = id;
	return iommu_ioctl(fd, IOMMU_TEST_CMD, cmd);
}

int mock_open(void)
{
	struct iommu_test_cmd cmd = {};
	int fd = iommu_open();

	/* There is no operation 0. */
	if (mock_cmd(fd, 0, 0, &cmd) == -ENOTTY)
		tap_skip("without the mock IOMMU");
	return fd;
}

static int make_device(int fd, uint32_t pt, struct iommu_test_cmd *cmd,
		       struct mock *mock)
{
	int ret = mock_cmd(fd, IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS, pt, cmd);

	mock->stdev = cmd->mock_domain_flags.out_stdev_id;
	mock->dev = cmd->mock_domain_flags.out_idev_id;
	mock->hwpt = cmd->mock_domain_flags.out_hwpt_id;
	return ret;
}

int mock_device(int fd, uint32_t pt, uint32_t flags, struct mock *mock)
{
	struct iommu_test_cmd cmd = { .mock_domain_flags.dev_flags = flags };

	return make_device(fd, pt, &cmd, mock);
}

int mock_device_beside(int fd, uint32_t pt, uint32_t flags, const struct mock *beside,
		       struct mock *mock)
{
	struct iommu_test_cmd cmd = {
		.__reserved = beside->stdev,
		.mock_domain_flags.dev_flags = flags | MOCK_FLAGS_DEVICE_BESIDE,
	};

	return make_device(fd, pt, &cmd, mock);
}

int mock_replace(int fd, const struct mock *mock, uint32_t pt)
{
	struct iommu_test_cmd cmd = { .mock_domain_replace.pt_id = pt };

	return mock_cmd(fd, IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE, mock->stdev, &cmd);
}

int mock_unplug(int fd, const struct mock *mock)
{
	return iommu_destroy(fd, mock->stdev);
}

int mock_reset(int fd, const struct mock *mock)
{
	struct iommu_test_cmd cmd = {};

	return mock_cmd(fd, IOMMU_TEST_OP_RESET, mock->stdev, &cmd);
}

int mock_pasid_replace(int fd, const struct mock *mock, uint32_t pasid, uint32_t pt)
{
	struct iommu_test_cmd cmd = { .pasid_replace = { pasid, pt } };

	return mock_cmd(fd, IOMMU_TEST_OP_PASID_REPLACE, mock->stdev, &cmd);
}

int mock_pasid_check(int fd, const struct mock *mock, uint32_t pasid, uint32_t hwpt)
{
	struct iommu_test_cmd cmd = { .pasid_check = { pasid, hwpt } };

	return mock_cmd(fd, IOMMU_TEST_OP_PASID_CHECK_HWPT, mock->stdev, &cmd);
}

int mock_check_iotlb(int fd, uint32_t hwpt, uint32_t index, uint32_t value)
{
	struct iommu_test_cmd cmd = { .check_iotlb = { index, value } };

	return mock_cmd(fd, IOMMU_TEST_OP_MD_CHECK_IOTLB, hwpt, &cmd);
}

int mock_check_cache(int fd, uint32_t dev, uint32_t index, uint32_t value)
{
	struct iommu_test_cmd cmd = { .check_dev_cache = { index, value } };

	return mock_cmd(fd, IOMMU_TEST_OP_DEV_CHECK_CACHE, dev, &cmd);
}

int mock_hwpt_nested(int fd, uint32_t dev, uint32_t pt, uint32_t flags, uint32_t *id)
{
	struct iommu_hwpt_selftest data = { .iotlb = IOMMU_TEST_IOTLB_DEFAULT };
	struct iommu_hwpt_alloc c = {
		.size = sizeof(c), .flags = flags, .dev_id = dev, .pt_id = pt,
		.data_type = IOMMU_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data), .data_uptr = (uintptr_t)&data,
	};
	int ret = iommu_ioctl(fd, IOMMU_HWPT_ALLOC, &c);

	if (!ret && id)
		*id = c.out_hwpt_id;
	return ret;
}

int mock_viommu(int fd, uint32_t dev, uint32_t hwpt,
		struct iommu_viommu_selftest *data, uint32_t *id)
{
	struct iommu_viommu_alloc c = {
		.size = sizeof(c), .type = IOMMU_VIOMMU_TYPE_SELFTEST,
		.dev_id = dev, .hwpt_id = hwpt,
		.data_len = data ? sizeof(*data) : 0, .data_uptr = (uintptr_t)data,
	};
	int ret = iommu_ioctl(fd, IOMMU_VIOMMU_ALLOC, &c);

	if (!ret && id)
		*id = c.out_viommu_id;
	return ret;
}

int mock_vdevice(int fd, uint32_t viommu, uint32_t dev, uint64_t virt_id, uint32_t *id)
{
	struct iommu_vdevice_alloc c = {
		.size = sizeof(c), .viommu_id = viommu, .dev_id = dev,
		.virt_id = virt_id,
	};
	int ret = iommu_ioctl(fd, IOMMU_VDEVICE_ALLOC, &c);

	if (!ret && id)
		*id = c.out_vdevice_id;
	return ret;
}

int mock_hw_queue(int fd, uint32_t viommu, uint32_t index, uint64_t iova,
		  uint64_t length, uint32_t *id)
{
	struct iommu_hw_queue_alloc c = {
		.size = sizeof(c), .viommu_id = viommu,
		.type = IOMMU_HW_QUEUE_TYPE_SELFTEST, .index = index,
		.nesting_parent_iova = iova, .length = length,
	};
	int ret = iommu_ioctl(fd, IOMMU_HW_QUEUE_ALLOC, &c);

	if (!ret && id)
		*id = c.out_hw_queue_id;
	return ret;
}

int mock_invalidate(int fd, uint32_t id, const void *array, uint32_t length,
		    uint32_t *n)
{
	struct iommu_hwpt_invalidate c = {
		.size = sizeof(c), .hwpt_id = id,
		.data_type = IOMMU_HWPT_INVALIDATE_DATA_SELFTEST,
		.data_uptr = (uintptr_t)array, .entry_len = length, .entry_num = *n,
	};
	int ret = iommu_ioctl(fd, IOMMU_HWPT_INVALIDATE, &c);

	*n = c.entry_num;
	return ret;
}

#ifdef __x86_64__
static long call_32(long number, long a, long b, long c, long d, long e, long f)
{
	long ret;

	/* ebp is the sixth, and the compiler's */
	asm volatile("push %%rbp; mov %[f], %%rbp; int $0x80; pop %%rbp"
		     : "=a"(ret)
		     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e),
		       [f] "r"((long)f)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void no_call(int sig)
{
	_exit(sig);
}

/* The kernel's log would tell of a signal without a handler. */
static void need_32(void)
{
	int status, pid = fork();

	if (!pid) {
		signal(SIGSEGV, no_call);
		_exit(call_32(20, 0, 0, 0, 0, 0, 0) != getpid());
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		tap_skip("the kernel runs no 32-bit programs");
}

int ioctl_32(int fd, unsigned long cmd, void *arg)
{
	need_32();
	return call_32(54, fd, cmd, (uintptr_t)arg, 0, 0, 0);
}

void *mmap_32(int fd, uint64_t length, uint64_t offset)
{
	need_32();
	return (void *)(uintptr_t)(uint32_t)call_32(192, 0, length, 1, 1, fd,
						    offset >> 12);
}
#else
int ioctl_32(int fd, unsigned long cmd, void *arg)
{
	(void)fd, (void)cmd, (void)arg;
	tap_skip("only programs for amd64 make such calls");
}

void *mmap_32(int fd, uint64_t length, uint64_t offset)
{
	(void)fd, (void)length, (void)offset;
	tap_skip("only programs for amd64 make such calls");
}
#endif
