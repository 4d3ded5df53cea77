// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_edu.ko: vfio-pci for QEMU's edu that can migrate, by VFIO's stock interface.  A
 * device is given by driver_override.
 *
 * The state is what transfers need: the registers for them and the buffer, which edu shows
 * with a patch of tests/qemu.  A stopped device does no DMA.  Transfers that repeat are
 * ended by STOP and begin again with RUNNING, wherever that is.
 */
#include <linux/anon_inodes.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include "vfio_ops.h"

#define NAME		"vfio_edu"
#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8

#define REG_LIVE	0x04
#define REG_DMA_SRC	0x80
#define REG_DMA_DST	0x88
#define REG_DMA_COUNT	0x90
#define REG_DMA_COMMAND	0x98
#define REG_REPEAT	0xa8		/* of tests/qemu's edu only */
#define EDU_BUFFER	0x40000
#define BUFFER_SIZE	4096
#define DMA_RUN		1

/*
 * A transfer takes a tenth of a second, longer where the emulator gets no CPU, or as long as
 * nobody answers its page request.
 */
#define STOP_SECONDS	60

#define IMAGE_MAGIC	0x31556445u	/* "EdU1" */

/* What is told during PRE_COPY, which doesn't change. */
struct edu_header {
	__le32 magic;
	__le32 size;			/* of the whole */
};

struct edu_image {
	struct edu_header header;
	__le64 src, dst, count, command;
	__le32 live;
	__le16 repeat;			/* what register 0xa8 has */
	__le16 again;			/* a transfer that repeated */
	__le64 buffer[BUFFER_SIZE / 8];
};

/* A data file.  The device has a reference while it is in a state that has one. */
struct edu_data {
	struct mutex lock;		/* guards all below */
	loff_t at;			/* read or written up to there */
	size_t length;			/* how much there is to read, or may be written */
	bool more;			/* there will be, with STOP_COPY */
	bool ended;			/* the device is in another state */
	struct edu_image image;
};

struct vfio_edu {
	struct vfio_pci_core_device core;
	void __iomem *regs;		/* while it is open */
	struct mutex lock;		/* guards all below */
	enum vfio_device_mig_state state;
	struct file *file;		/* of edu_data */
	struct edu_image saved;		/* of a device that is stopped */
	atomic_t was_reset;		/* not under @lock: a reset has others */
};

static struct vfio_edu *to_edu(struct vfio_device *vdev)
{
	return container_of(vdev, struct vfio_edu, core.vdev);
}

/*
 * The registers can be reached whatever the device's user, or a destination that hasn't
 * loaded its configuration yet, has in the command register.
 */
static u16 registers_begin(struct vfio_edu *edu)
{
	struct pci_dev *pdev = edu->core.pdev;
	u16 command;

	down_write(&edu->core.memory_lock);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MEMORY))
		pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	return command;
}

static void registers_end(struct vfio_edu *edu, u16 command)
{
	if (!(command & PCI_COMMAND_MEMORY))
		pci_write_config_word(edu->core.pdev, PCI_COMMAND, command);
	up_write(&edu->core.memory_lock);
}

static bool can_repeat(struct vfio_edu *edu)
{
	return readl(edu->regs + REG_REPEAT) != U32_MAX;
}

static void save(struct vfio_edu *edu, bool repeat, bool again)
{
	struct edu_image *image = &edu->saved;
	int i;

	image->header.magic = cpu_to_le32(IMAGE_MAGIC);
	image->header.size = cpu_to_le32(sizeof(*image));
	image->src = cpu_to_le64(readq(edu->regs + REG_DMA_SRC));
	image->dst = cpu_to_le64(readq(edu->regs + REG_DMA_DST));
	image->count = cpu_to_le64(readq(edu->regs + REG_DMA_COUNT));
	image->command = cpu_to_le64(readq(edu->regs + REG_DMA_COMMAND));
	image->live = cpu_to_le32(readl(edu->regs + REG_LIVE));
	image->repeat = cpu_to_le16(repeat);
	image->again = cpu_to_le16(repeat && again);
	for (i = 0; i < ARRAY_SIZE(image->buffer); i++)
		image->buffer[i] = cpu_to_le64(readq(edu->regs + EDU_BUFFER + 8 * i));
}

/* Ends DMA; -EIO if a transfer doesn't end. */
static int edu_stop(struct vfio_edu *edu)
{
	const unsigned long end = jiffies + STOP_SECONDS * HZ;
	u16 command = registers_begin(edu);
	int rc = 0;
	bool repeat = false, again;

	again = readl(edu->regs + REG_DMA_COMMAND) & DMA_RUN;
	if (can_repeat(edu)) {
		repeat = readl(edu->regs + REG_REPEAT);
		writel(0, edu->regs + REG_REPEAT);
	}
	while (readl(edu->regs + REG_DMA_COMMAND) & DMA_RUN && !rc) {
		usleep_range(500, 1000);
		rc = time_before(jiffies, end) ? 0 : -EIO;
	}
	if (!rc) {
		save(edu, repeat, again);
	} else {
		pci_info(edu->core.pdev, "a transfer doesn't end\n");
		if (repeat)
			writel(1, edu->regs + REG_REPEAT);
	}
	registers_end(edu, command);
	return rc;
}

static void edu_run(struct vfio_edu *edu)
{
	u16 command = registers_begin(edu);

	if (edu->saved.repeat)
		writel(1, edu->regs + REG_REPEAT);
	if (edu->saved.again)
		writeq(le64_to_cpu(edu->saved.command) | DMA_RUN, edu->regs + REG_DMA_COMMAND);
	registers_end(edu, command);
}

/* The state that came becomes that of the stopped device. */
static int edu_restore(struct vfio_edu *edu, struct edu_data *data)
{
	const struct edu_image *image = &data->image;
	u16 command;
	int i;

	if (data->at != sizeof(*image) ||
	    le32_to_cpu(image->header.magic) != IMAGE_MAGIC ||
	    le32_to_cpu(image->header.size) != sizeof(*image))
		return -EINVAL;
	edu->saved = *image;
	command = registers_begin(edu);
	writeq(le64_to_cpu(image->src), edu->regs + REG_DMA_SRC);
	writeq(le64_to_cpu(image->dst), edu->regs + REG_DMA_DST);
	writeq(le64_to_cpu(image->count), edu->regs + REG_DMA_COUNT);
	/* it shows the complement of what is written */
	writel(~le32_to_cpu(image->live), edu->regs + REG_LIVE);
	for (i = 0; i < ARRAY_SIZE(image->buffer); i++)
		writeq(le64_to_cpu(image->buffer[i]), edu->regs + EDU_BUFFER + 8 * i);
	registers_end(edu, command);
	return 0;
}

static ssize_t data_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct edu_data *data = file->private_data;
	ssize_t rc;

	mutex_lock(&data->lock);
	if (data->ended)
		rc = -ENODEV;
	else if (data->more && data->at >= data->length)
		rc = -ENOMSG;
	else
		rc = simple_read_from_buffer(buf, count, &data->at, &data->image,
					     data->length);
	mutex_unlock(&data->lock);
	return rc;
}

static ssize_t data_write(struct file *file, const char __user *buf, size_t count,
			  loff_t *pos)
{
	struct edu_data *data = file->private_data;
	ssize_t rc;

	mutex_lock(&data->lock);
	if (data->ended)
		rc = -ENODEV;
	else if (data->at >= data->length)
		rc = -ENOSPC;
	else
		rc = simple_write_to_buffer(&data->image, data->length, &data->at, buf,
					    count);
	mutex_unlock(&data->lock);
	return rc;
}

#ifdef VFIO_MIG_GET_PRECOPY_INFO
static long data_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu_data *data = file->private_data;
	struct vfio_precopy_info info = {};
	const size_t size = offsetofend(struct vfio_precopy_info, dirty_bytes);
	long rc = 0;

	if (cmd != VFIO_MIG_GET_PRECOPY_INFO)
		return -ENOTTY;
	if (copy_from_user(&info, (void __user *)arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	mutex_lock(&data->lock);
	if (data->ended)
		rc = -ENODEV;
	else if (!data->more)
		rc = -EINVAL;
	else
		info.initial_bytes = data->length - data->at;
	mutex_unlock(&data->lock);
	info.dirty_bytes = 0;
	if (!rc && copy_to_user((void __user *)arg, &info, size))
		rc = -EFAULT;
	return rc;
}
#endif

static int data_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations save_fops = {
	.owner = THIS_MODULE,
	.read = data_read,
#ifdef VFIO_MIG_GET_PRECOPY_INFO
	.unlocked_ioctl = data_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
#endif
	.release = data_release,
};

static const struct file_operations resume_fops = {
	.owner = THIS_MODULE,
	.write = data_write,
	.release = data_release,
};

/* A new data file: the caller's, with a reference for the device. */
static struct file *data_begin(struct vfio_edu *edu, const struct file_operations *fops,
			       int flags, size_t length)
{
	struct edu_data *data = kzalloc(sizeof(*data), GFP_KERNEL);
	struct file *file;

	if (!data)
		return ERR_PTR(-ENOMEM);
	mutex_init(&data->lock);
	data->length = length;
	file = anon_inode_getfile(NAME, fops, data, flags);
	if (IS_ERR(file)) {
		kfree(data);
		return file;
	}
	stream_open(file_inode(file), file);
	edu->file = get_file(file);
	return file;
}

static void data_end(struct vfio_edu *edu)
{
	struct edu_data *data;

	if (!edu->file)
		return;
	data = edu->file->private_data;
	mutex_lock(&data->lock);
	data->ended = true;
	mutex_unlock(&data->lock);
	fput(edu->file);
	edu->file = NULL;
}

static void data_fill(struct vfio_edu *edu)
{
	struct edu_data *data = edu->file->private_data;

	mutex_lock(&data->lock);
	data->image = edu->saved;
	data->length = sizeof(data->image);
	data->more = false;
	mutex_unlock(&data->lock);
}

static struct file *stop_to_stop_copy(struct vfio_edu *edu)
{
	struct file *file = data_begin(edu, &save_fops, O_RDONLY, 0);

	if (!IS_ERR(file))
		data_fill(edu);
	return file;
}

#ifdef VFIO_MIG_GET_PRECOPY_INFO
static struct file *running_to_pre_copy(struct vfio_edu *edu)
{
	struct file *file = data_begin(edu, &save_fops, O_RDONLY, sizeof(struct edu_header));
	struct edu_data *data;

	if (IS_ERR(file))
		return file;
	data = file->private_data;
	data->more = true;
	data->image.header.magic = cpu_to_le32(IMAGE_MAGIC);
	data->image.header.size = cpu_to_le32(sizeof(data->image));
	return file;
}

static struct file *pre_copy_step(struct vfio_edu *edu, enum vfio_device_mig_state next)
{
	int rc;

	if (next == VFIO_DEVICE_STATE_PRE_COPY)
		return running_to_pre_copy(edu);
	if (next == VFIO_DEVICE_STATE_RUNNING) {
		data_end(edu);
		return NULL;
	}
	if (next != VFIO_DEVICE_STATE_STOP_COPY)
		return ERR_PTR(-EINVAL);
	rc = edu_stop(edu);
	if (rc)
		return ERR_PTR(rc);
	data_fill(edu);
	return NULL;
}
#define is_pre_copy(state)	((state) == VFIO_DEVICE_STATE_PRE_COPY)
#define MIGRATION_FLAGS		(VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY)
#else
static struct file *pre_copy_step(struct vfio_edu *edu, enum vfio_device_mig_state next)
{
	return ERR_PTR(-EINVAL);
}
#define is_pre_copy(state)	false
#define MIGRATION_FLAGS		VFIO_MIGRATION_STOP_COPY
#endif

static int resuming_to_stop(struct vfio_edu *edu)
{
	struct edu_data *data = edu->file->private_data;
	int rc;

	mutex_lock(&data->lock);
	rc = edu_restore(edu, data);
	mutex_unlock(&data->lock);
	if (!rc)
		data_end(edu);
	return rc;
}

/* One of the steps that vfio_mig_get_next_state() makes of a change. */
static struct file *step(struct vfio_edu *edu, enum vfio_device_mig_state next)
{
	const enum vfio_device_mig_state now = edu->state;

	if (is_pre_copy(now) || is_pre_copy(next))
		return pre_copy_step(edu, next);
	if (next == VFIO_DEVICE_STATE_STOP_COPY)
		return stop_to_stop_copy(edu);
	if (next == VFIO_DEVICE_STATE_RESUMING)
		return data_begin(edu, &resume_fops, O_WRONLY, sizeof(struct edu_image));
	if (next == VFIO_DEVICE_STATE_RUNNING) {
		edu_run(edu);
		return NULL;
	}
	if (next != VFIO_DEVICE_STATE_STOP)
		return ERR_PTR(-EINVAL);
	if (now == VFIO_DEVICE_STATE_RUNNING)
		return ERR_PTR(edu_stop(edu));
	if (now == VFIO_DEVICE_STATE_RESUMING)
		return ERR_PTR(resuming_to_stop(edu));
	data_end(edu);
	return NULL;
}

/* A device that was reset runs, and its data file is no more. */
static void see_reset(struct vfio_edu *edu)
{
	if (!atomic_xchg(&edu->was_reset, 0))
		return;
	data_end(edu);
	edu->state = VFIO_DEVICE_STATE_RUNNING;
}

static struct file *edu_set_state(struct vfio_device *vdev, enum vfio_device_mig_state state)
{
	struct vfio_edu *edu = to_edu(vdev);
	enum vfio_device_mig_state next;
	struct file *file = NULL;
	int rc;

	mutex_lock(&edu->lock);
	see_reset(edu);
	while (state != edu->state) {
		rc = vfio_mig_get_next_state(vdev, edu->state, state, &next);
		file = rc ? ERR_PTR(rc) : step(edu, next);
		if (IS_ERR(file))
			break;
		edu->state = next;
		/* only the last step has a file */
		if (WARN_ON(file && next != state)) {
			fput(file);
			file = ERR_PTR(-EINVAL);
			break;
		}
	}
	mutex_unlock(&edu->lock);
	return file;
}

static int edu_get_state(struct vfio_device *vdev, enum vfio_device_mig_state *state)
{
	struct vfio_edu *edu = to_edu(vdev);

	mutex_lock(&edu->lock);
	see_reset(edu);
	*state = edu->state;
	mutex_unlock(&edu->lock);
	return 0;
}

#ifdef VFIO_CORE_MIG_DATA_SIZE
static int edu_data_size(struct vfio_device *vdev, unsigned long *length)
{
	*length = sizeof(struct edu_image);
	return 0;
}
#endif

static const struct vfio_migration_ops migration_ops = {
	.migration_set_state = edu_set_state,
	.migration_get_state = edu_get_state,
#ifdef VFIO_CORE_MIG_DATA_SIZE
	.migration_get_data_size = edu_data_size,
#endif
};

static int edu_open(struct vfio_device *vdev)
{
	struct vfio_edu *edu = to_edu(vdev);
	int rc;

	rc = vfio_pci_core_enable(&edu->core);
	if (rc)
		return rc;
	edu->regs = pci_iomap(edu->core.pdev, 0, 0);
	if (!edu->regs) {
		vfio_pci_core_disable(&edu->core);
		return -ENOMEM;
	}
	edu->state = VFIO_DEVICE_STATE_RUNNING;
	atomic_set(&edu->was_reset, 0);
	vfio_pci_core_finish_enable(&edu->core);
	return 0;
}

static void edu_close(struct vfio_device *vdev)
{
	struct vfio_edu *edu = to_edu(vdev);

	mutex_lock(&edu->lock);
	data_end(edu);
	mutex_unlock(&edu->lock);
	pci_iounmap(edu->core.pdev, edu->regs);
	vfio_pci_core_close_device(vdev);
}

static int edu_init(struct vfio_device *vdev)
{
	struct vfio_edu *edu = to_edu(vdev);

	mutex_init(&edu->lock);
	vdev->migration_flags = MIGRATION_FLAGS;
	vdev->mig_ops = &migration_ops;
	return vfio_pci_core_init_dev(vdev);
}

static const struct vfio_device_ops edu_ops = {
	.name = NAME,
	.init = edu_init,
	.release = vfio_pci_core_release_dev,
	.open_device = edu_open,
	.close_device = edu_close,
	.ioctl = vfio_pci_core_ioctl,
#ifdef IOMMUFD_HAVE_VFIO_REGION_INFO_CAPS
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#endif
	.device_feature = vfio_pci_core_ioctl_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
#ifdef IOMMUFD_HAVE_VFIO_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
	VFIO_IOMMUFD_OPS
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vfio_edu *edu;
	int rc;

	edu = vfio_alloc_device(vfio_edu, core.vdev, &pdev->dev, &edu_ops);
	if (IS_ERR(edu))
		return PTR_ERR(edu);
	dev_set_drvdata(&pdev->dev, &edu->core);
	rc = vfio_pci_core_register_device(&edu->core);
	if (rc)
		vfio_put_device(&edu->core.vdev);
	return rc;
}

static void edu_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	vfio_pci_core_unregister_device(core);
	vfio_put_device(&core->vdev);
}

static void edu_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	atomic_set(&to_edu(&core->vdev)->was_reset, 1);
}

static const struct pci_error_handlers edu_errors = {
	.reset_done = edu_reset_done,
	.error_detected = vfio_pci_core_aer_err_detected,
};

static const struct pci_device_id ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(EDU_VENDOR, EDU_DEVICE) },
	{}
};

static struct pci_driver edu_driver = {
	.name = NAME,
	.id_table = ids,
	.probe = edu_probe,
	.remove = edu_remove,
	.err_handler = &edu_errors,
	.driver_managed_dma = true,
};

module_pci_driver(edu_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("VFIO driver for QEMU's edu that can migrate, for tests");
