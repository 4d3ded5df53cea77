/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The user API of /dev/iommu at the level of Linux 7.3.  Names, numbers and
 * layouts are Linux's, so a program built with either header runs with both;
 * the include guard is Linux's too, so a file sees only one of them.
 */
#ifndef _UAPI_IOMMUFD_H
#define _UAPI_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMUFD_TYPE (';')

/**
 * DOC: Conventions of all ioctls
 *
 * The argument points to a structure whose first member, @size, is its size in
 * bytes, as known to the caller.  Old programs work on new kernels, and new
 * programs on old kernels:
 *
 * - @size smaller than the ioctl's first version: -EINVAL.
 * - @size smaller than in this header: the missing members are taken as 0, and
 *   nothing is written beyond @size.
 * - @size larger than the kernel's: accepted if all excess bytes are 0, else
 *   -E2BIG.
 *
 * Objects (address spaces, page tables, devices, ...) are identified by a 32-bit
 * ID, which is valid within one open file of /dev/iommu and never 0.  Members
 * named out_* are written on success.  Members named __reserved and undefined
 * flags must be 0.  Addresses and lengths are in bytes.  A member named "last"
 * is inclusive.
 *
 * These errors have the same meaning for all ioctls, and are listed below only
 * where the cause isn't obvious:
 *
 * - -ENOTTY: unknown ioctl.
 * - -EINVAL: @size is too small, or a value is invalid.
 * - -E2BIG: a member unknown to this kernel isn't 0.
 * - -EOPNOTSUPP: an undefined flag, a reserved member that isn't 0, or a feature
 *   that kernel or IOMMU don't support.
 * - -ENOENT: no object of this type has this ID, or nothing is mapped there.
 * - -EOVERFLOW: address plus length exceeds the address space.
 * - -EFAULT: user memory can't be accessed.
 * - -ENOMEM: out of kernel memory, or RLIMIT_MEMLOCK is reached.
 */
enum {
	IOMMUFD_CMD_BASE = 0x80,
	IOMMUFD_CMD_DESTROY = IOMMUFD_CMD_BASE,
	IOMMUFD_CMD_IOAS_ALLOC = 0x81,
	IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82,
	IOMMUFD_CMD_IOAS_COPY = 0x83,
	IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84,
	IOMMUFD_CMD_IOAS_MAP = 0x85,
	IOMMUFD_CMD_IOAS_UNMAP = 0x86,
	IOMMUFD_CMD_OPTION = 0x87,
	IOMMUFD_CMD_VFIO_IOAS = 0x88,
	IOMMUFD_CMD_HWPT_ALLOC = 0x89,
	IOMMUFD_CMD_GET_HW_INFO = 0x8a,
	IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d,
	IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	IOMMUFD_CMD_IOAS_MAP_FILE = 0x8f,
	IOMMUFD_CMD_VIOMMU_ALLOC = 0x90,
	IOMMUFD_CMD_VDEVICE_ALLOC = 0x91,
	IOMMUFD_CMD_IOAS_CHANGE_PROCESS = 0x92,
	IOMMUFD_CMD_VEVENTQ_ALLOC = 0x93,
	IOMMUFD_CMD_HW_QUEUE_ALLOC = 0x94,
	IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA = 0x95,
};

/* ------------------------------------------------------------------------ */
/* Objects                                                                  */

/**
 * struct iommu_destroy - IOMMU_DESTROY: destroy an object
 * @size: bytes of this structure
 * @id: the object, of any type that user space can create
 *
 * Dependent objects must be destroyed first: a nested page table before its
 * parent, a page table before its address space.  Destroying an address space
 * removes its mappings.
 *
 * Errors: -ENOENT if the object doesn't exist (any more), -EBUSY while it is
 * used by another object, a bound device, an open queue file or an mmap().
 */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};
#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DESTROY)

/* ------------------------------------------------------------------------ */
/* I/O address spaces                                                       */

/**
 * struct iommu_ioas_alloc - IOMMU_IOAS_ALLOC: create an I/O address space (IOAS)
 * @size: bytes of this structure
 * @flags: 0
 * @out_ioas_id: the new IOAS
 *
 * An IOAS maps I/O virtual addresses (IOVA) to memory.  It is created empty, with
 * the whole range of addresses usable.  Page tables of devices (HWPTs) are
 * filled from it.
 */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC)

/**
 * struct iommu_iova_range - a range of I/O virtual addresses
 * @start: first byte
 * @last: last byte, inclusive
 */
struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommu_ioas_iova_ranges - IOMMU_IOAS_IOVA_RANGES: query usable ranges
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @num_iovas: in: entries that fit in @allowed_iovas; out: number of ranges
 * @__reserved: 0
 * @allowed_iovas: address of an array of struct iommu_iova_range
 * @out_iova_alignment: granule of addresses and lengths, a power of two between
 *	1 and the size of a page
 *
 * The ranges are in ascending order and exclude what attached devices can't
 * address, or have reserved, such as the window for interrupts.  So an attach
 * may shrink them and a detach may grow them; query again afterwards.  Both ends
 * of a mapping must be multiples of @out_iova_alignment.
 *
 * Errors: -EMSGSIZE if the ranges didn't fit; @num_iovas is then their number,
 * and the array has the first ones.
 */
struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};
#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_IOVA_RANGES)

/**
 * struct iommu_ioas_allow_iovas - IOMMU_IOAS_ALLOW_IOVAS: require usable ranges
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @num_iovas: entries in @allowed_iovas; 0 drops the requirement
 * @__reserved: 0
 * @allowed_iovas: address of an array of struct iommu_iova_range
 *
 * From now on a device that would reserve a part of these ranges can't be
 * attached.  Addresses chosen by the kernel (for a map or copy without
 * IOMMU_IOAS_MAP_FIXED_IOVA) lie within the ranges.  Each successful call
 * replaces the previous list; a failed one leaves it unchanged.
 *
 * Errors: -EADDRINUSE if an attached device has reserved a part of a range,
 * -EINVAL for ranges that overlap or whose @last isn't above @start.
 */
struct iommu_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
};
#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOW_IOVAS)

/**
 * enum iommufd_ioas_map_flags - flags for mapping
 * @IOMMU_IOAS_MAP_FIXED_IOVA: map at the given address; without it the kernel
 *	chooses one
 * @IOMMU_IOAS_MAP_WRITEABLE: devices may write
 * @IOMMU_IOAS_MAP_READABLE: devices may read
 *
 * At least one of WRITEABLE and READABLE is required.
 */
enum iommufd_ioas_map_flags {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/**
 * struct iommu_ioas_map - IOMMU_IOAS_MAP: map memory of the calling process
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_ioas_map_flags
 * @ioas_id: the IOAS
 * @__reserved: 0
 * @user_va: first byte of the memory
 * @length: in bytes, not 0
 * @iova: in, with IOMMU_IOAS_MAP_FIXED_IOVA: address to map at; out: address of
 *	the mapping
 *
 * The memory is pinned and charged to RLIMIT_MEMLOCK when a page table or an
 * in-kernel user needs it, at once if the IOAS has one.  The pages found at
 * @user_va at that time stay mapped, even if the process then unmaps or remaps
 * the address.  Existing mappings are never replaced.
 *
 * An address chosen by the kernel is never 0, respects allowed and reserved
 * ranges, and is aligned like @user_va, so that huge pages can be used.
 *
 * Errors: -EINVAL for a length of 0, neither READABLE nor WRITEABLE, an address
 * that doesn't meet the IOAS's alignment or is reserved, -EEXIST if a part of
 * the range is mapped, -ENOSPC if no free range is large enough, -EFAULT if
 * memory is missing or can't be written, -ENOMEM if RLIMIT_MEMLOCK is reached.
 */
struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOMMU_IOAS_MAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP)

/**
 * struct iommu_ioas_map_file - IOMMU_IOAS_MAP_FILE: map a range of a file
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_ioas_map_flags
 * @ioas_id: the IOAS
 * @fd: a memfd (ordinary or huge pages), or a DMA-buf of a supported exporter
 * @start: first byte, as an offset in the file
 * @length: in bytes, not 0
 * @iova: as in struct iommu_ioas_map
 *
 * A mapping of a memfd is independent of the process's address space, so it can
 * be passed to another process by IOMMU_IOAS_CHANGE_PROCESS.
 *
 * Supported DMA-bufs are those that a VFIO PCI device exports for one range of a
 * BAR.  They are neither pinned nor charged.  The exporter may revoke one, and
 * does so when memory access of the device is disabled: from then on nothing is
 * translated there.  The mapping remains, permanently empty, until it is
 * unmapped; a new one can be made when access is enabled again.  In-kernel users
 * can't access this memory, and IOMMU_IOAS_CHANGE_PROCESS fails while any is
 * mapped.
 *
 * Errors: as for IOMMU_IOAS_MAP, -EBADF if @fd isn't open, -EINVAL for another
 * type of file or a range past its end, -ENODEV for a revoked DMA-buf,
 * -EOPNOTSUPP for one of another exporter (of any, before Linux 7.2).
 */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP_FILE)

/**
 * struct iommu_ioas_noiommu_get_pa - IOMMU_IOAS_NOIOMMU_GET_PA: query a physical
 *	address
 * @size: bytes of this structure
 * @flags: 0
 * @ioas_id: the IOAS
 * @__reserved: 0
 * @iova: first byte, which must be mapped
 * @length: in: bytes requested, not 0; out: how many are physically contiguous
 * @out_phys: physical address of the first byte
 *
 * For devices without an IOMMU, whose user is trusted to program physical
 * addresses.  Not supported here: returns -EOPNOTSUPP, like Linux 7.3 without
 * CONFIG_IOMMUFD_NOIOMMU, after @size and excess bytes have been checked.
 */
struct iommu_ioas_noiommu_get_pa {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 out_phys;
};
#define IOMMU_IOAS_NOIOMMU_GET_PA _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA)

/**
 * struct iommu_ioas_copy - IOMMU_IOAS_COPY: map again what is mapped
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_ioas_map_flags, for the copy
 * @dst_ioas_id: the IOAS to map in
 * @src_ioas_id: the IOAS that has the mapping; may be the same
 * @length: in bytes, not 0
 * @dst_iova: in, with IOMMU_IOAS_MAP_FIXED_IOVA: address to map at; out: address
 *	of the copy
 * @src_iova: first byte of the source
 *
 * Source and copy share their pages, which are pinned and charged once, even if
 * the process's memory has changed since.  Either may be unmapped first.  @flags
 * determine the copy's permissions; memory that was mapped from a read-only
 * place can't be copied WRITEABLE.
 *
 * Errors: -ENOENT if a part of the source range isn't mapped, -EPERM for
 * WRITEABLE without that right, otherwise as for IOMMU_IOAS_MAP.
 */
struct iommu_ioas_copy {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};
#define IOMMU_IOAS_COPY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_COPY)

/**
 * struct iommu_ioas_unmap - IOMMU_IOAS_UNMAP: remove mappings
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @iova: first byte
 * @length: in: bytes of the range; out: bytes that were mapped in it
 *
 * Removes all mappings in the range, which must contain each of them entirely
 * and may have holes.  @iova 0 with @length U64_MAX removes all mappings, and
 * succeeds if there are none.  When the call returns, no device can access the
 * memory.
 *
 * Errors: -ENOENT if nothing is mapped in the range, or a mapping extends beyond
 * it (those before it may have been removed), -EBUSY if a mapping contains a
 * hardware queue or another thread is unmapping it.
 */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};
#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP)

/**
 * struct iommu_ioas_change_process - IOMMU_IOAS_CHANGE_PROCESS: move charges to
 *	the caller
 * @size: bytes of this structure
 * @__reserved: 0
 *
 * Moves the charge for all pinned memory, in every IOAS of the file, to the
 * calling process; on failure nothing is moved.  For passing a device in use to
 * another program.
 *
 * Errors: -EINVAL if there is a mapping not made by IOMMU_IOAS_MAP_FILE, -ENOMEM
 * if the caller's RLIMIT_MEMLOCK is too low, -EBUSY if a mapping is being
 * removed.
 */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};
#define IOMMU_IOAS_CHANGE_PROCESS \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_CHANGE_PROCESS)

/* ------------------------------------------------------------------------ */
/* Options                                                                  */

/**
 * enum iommufd_option - options of IOMMU_OPTION
 * @IOMMU_OPTION_RLIMIT_MODE: what pinned memory is charged to: 0 the user
 *	(default), 1 the process.  Applies to the file, so object_id must be 0.
 *	Setting it requires CAP_SYS_RESOURCE and a file without objects.
 * @IOMMU_OPTION_HUGE_PAGES: 1 (default) allows page table entries larger than a
 *	page, 0 restricts entries to single pages.  object_id is an IOAS.  Can't
 *	be turned off while the IOAS has both page tables and mappings.
 */
enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0,
	IOMMU_OPTION_HUGE_PAGES = 1,
};

/**
 * enum iommufd_option_ops - operations of IOMMU_OPTION
 * @IOMMU_OPTION_OP_SET: set the option to val64
 * @IOMMU_OPTION_OP_GET: read the option into val64
 */
enum iommufd_option_ops {
	IOMMU_OPTION_OP_SET = 0,
	IOMMU_OPTION_OP_GET = 1,
};

/**
 * struct iommu_option - IOMMU_OPTION: read or set an option
 * @size: bytes of this structure
 * @option_id: one of enum iommufd_option
 * @op: one of enum iommufd_option_ops
 * @__reserved: 0
 * @object_id: the object that the option applies to, 0 for the file
 * @val64: the value; in for SET, out for GET
 *
 * Errors: -EPERM without the privilege to set it, -EBUSY if the file has objects
 * (RLIMIT_MODE), -EINVAL for a value that is invalid or can't be set now,
 * -EOPNOTSUPP for an unknown option or operation, or an object_id with
 * RLIMIT_MODE.
 */
struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};
#define IOMMU_OPTION _IO(IOMMUFD_TYPE, IOMMUFD_CMD_OPTION)

/* ------------------------------------------------------------------------ */
/* The address space of the VFIO type1 ioctls                               */

/**
 * enum iommufd_vfio_ioas_op - operations of IOMMU_VFIO_IOAS
 * @IOMMU_VFIO_IOAS_GET: query the IOAS
 * @IOMMU_VFIO_IOAS_SET: select an IOAS
 * @IOMMU_VFIO_IOAS_CLEAR: select none; the IOAS itself remains
 */
enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/**
 * struct iommu_vfio_ioas - IOMMU_VFIO_IOAS: select the IOAS for type1 ioctls
 * @size: bytes of this structure
 * @ioas_id: the IOAS; in for SET, out for GET
 * @op: one of enum iommufd_vfio_ioas_op
 * @__reserved: 0
 *
 * A file of /dev/iommu also accepts VFIO's container ioctls (VFIO_IOMMU_MAP_DMA
 * etc.), which have no member for an ID: they operate on this IOAS, and return
 * -ENODEV without one.  Destroying the IOAS deselects it.
 *
 * Accepted are VFIO_GET_API_VERSION, _CHECK_EXTENSION, _SET_IOMMU (TYPE1 and
 * TYPE1v2, any number of times), VFIO_IOMMU_GET_INFO, _MAP_DMA and _UNMAP_DMA.
 * TYPE1 is TYPE1v2 with IOMMU_OPTION_HUGE_PAGES off, which allows to unmap a
 * part of a mapping; it fails with -EINVAL if the IOAS has both mappings and
 * page tables.  Dirty pages are reported by IOMMU_HWPT_GET_DIRTY_BITMAP only.
 *
 * Errors: -ENODEV for GET if none is selected, -ENOENT for SET if @ioas_id isn't
 * an IOAS, -EOPNOTSUPP for an unknown @op.
 */
struct iommu_vfio_ioas {
	__u32 size;
	__u32 ioas_id;
	__u16 op;
	__u16 __reserved;
};
#define IOMMU_VFIO_IOAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VFIO_IOAS)

/* ------------------------------------------------------------------------ */
/* Page tables                                                              */

/**
 * enum iommufd_hwpt_alloc_flags - properties of a page table
 * @IOMMU_HWPT_ALLOC_NEST_PARENT: can be the parent of nested page tables
 * @IOMMU_HWPT_ALLOC_DIRTY_TRACKING: can track the pages that devices write to;
 *	only devices whose IOMMU supports that can be attached
 * @IOMMU_HWPT_FAULT_ID_VALID: fault_id is the queue for its page faults
 * @IOMMU_HWPT_ALLOC_PASID: can be attached to PASIDs.  While PASIDs of a device
 *	are attached, its DMA without PASID needs a page table with this flag,
 *	too, so attach it to such a HWPT rather than to an IOAS.
 */
enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

/**
 * enum iommu_hwpt_vtd_s1_flags - bits of a VT-d first-stage PASID entry
 * @IOMMU_VTD_S1_SRE: SRE, allow requests with supervisor privilege
 * @IOMMU_VTD_S1_EAFE: EAFE, maintain the extended-accessed bit
 * @IOMMU_VTD_S1_WPE: WPE, apply read-only permission to supervisor writes
 */
enum iommu_hwpt_vtd_s1_flags {
	IOMMU_VTD_S1_SRE = 1 << 0,
	IOMMU_VTD_S1_EAFE = 1 << 1,
	IOMMU_VTD_S1_WPE = 1 << 2,
};

/**
 * struct iommu_hwpt_vtd_s1 - data of IOMMU_HWPT_DATA_VTD_S1
 * @flags: bits of enum iommu_hwpt_vtd_s1_flags
 * @pgtbl_addr: guest physical address of the guest's top-level table
 * @addr_width: width of input addresses in bits: 48 for four levels, 57 for five
 * @__reserved: 0
 */
struct iommu_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};

/**
 * struct iommu_hwpt_arm_smmuv3 - data of IOMMU_HWPT_DATA_ARM_SMMUV3
 * @ste: doublewords 0 and 1 of the guest's Stream Table Entry, little endian
 *
 * Only these fields of the entry (SMMUv3 architecture, 5.2) may be set: V, Cfg,
 * S1Fmt, S1ContextPtr and S1CDMax in the first, EATS, S1DSS, S1CIR, S1COR,
 * S1CSH and S1STALLD in the second doubleword.  Cfg selects stage 1, bypass
 * (only the parent translates) or abort.  Addresses in the entry and in its
 * context descriptors are guest physical.
 *
 * A stage 1 entry can be attached only to a device with a vDEVICE, whose virtual
 * StreamID is needed to route invalidations and events.  Bypass and abort
 * entries don't require one, but without it the guest receives no events.  So
 * allocate the vDEVICE once its StreamID is known, and attach again.
 *
 * IOMMU_HWPT_ALLOC returns -EIO if other bits are set or the entry is invalid.
 */
struct iommu_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * struct iommu_hwpt_amd_guest - data of IOMMU_HWPT_DATA_AMD_GUEST
 * @dte: the guest's Device Table Entry, all 256 bits
 *
 * The fields that describe the guest's own tables are used (GV, GLX, the GCR3
 * root, the paging mode).  The host's root and mode must be 0.
 */
struct iommu_hwpt_amd_guest {
	__aligned_u64 dte[4];
};

/**
 * enum iommu_hwpt_data_type - types of the data for IOMMU_HWPT_ALLOC
 * @IOMMU_HWPT_DATA_NONE: no data; the kernel manages the page table
 * @IOMMU_HWPT_DATA_VTD_S1: struct iommu_hwpt_vtd_s1
 * @IOMMU_HWPT_DATA_ARM_SMMUV3: struct iommu_hwpt_arm_smmuv3
 * @IOMMU_HWPT_DATA_AMD_GUEST: struct iommu_hwpt_amd_guest
 */
enum iommu_hwpt_data_type {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
	IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,
	IOMMU_HWPT_DATA_AMD_GUEST = 3,
};

/**
 * struct iommu_hwpt_alloc - IOMMU_HWPT_ALLOC: create a hardware page table (HWPT)
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hwpt_alloc_flags
 * @dev_id: a bound device, whose IOMMU will use the page table
 * @pt_id: an IOAS, a nesting parent or a vIOMMU, see below
 * @out_hwpt_id: the new HWPT
 * @__reserved: 0
 * @data_type: one of enum iommu_hwpt_data_type
 * @data_len: bytes at @data_uptr; 0 if and only if @data_type is
 *	IOMMU_HWPT_DATA_NONE
 * @data_uptr: address of the structure for @data_type
 * @fault_id: a fault queue, with IOMMU_HWPT_FAULT_ID_VALID
 * @__reserved2: 0
 *
 * If @pt_id is an IOAS, the kernel fills the page table with the IOAS's mappings
 * and keeps it up to date.  If it is a HWPT allocated as NEST_PARENT, or a vIOMMU
 * on one, the page table is nested: the guest owns and fills it in its memory,
 * and the parent translates the result.  A device that is attached to an IOAS
 * gets a HWPT of the first kind without this call, a new one unless an existing
 * one matches.
 *
 * Errors: -EINVAL if @pt_id is unknown, of the wrong type, not a nesting parent
 * or of another IOMMU than the device, or if @data_type and @data_len disagree;
 * -EOPNOTSUPP if the IOMMU doesn't support the flags or the data type;
 * -EADDRINUSE if the IOAS has mappings that the IOMMU can't address.
 */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};
#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_ALLOC)

/* ------------------------------------------------------------------------ */
/* What the hardware is                                                     */

/**
 * enum iommu_hw_info_vtd_flags - flags of struct iommu_hw_info_vtd
 * @IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17: affected by erratum SPR17 of Intel's
 *	document 772415: a nesting parent can't have read-only mappings
 */
enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommu_hw_info_vtd - data of IOMMU_HW_INFO_TYPE_INTEL_VTD
 * @flags: bits of enum iommu_hw_info_vtd_flags
 * @__reserved: 0
 * @cap_reg: raw capability register (VT-d architecture, 11.4.2)
 * @ecap_reg: raw extended capability register (11.4.3)
 */
struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * enum iommu_hw_info_arm_smmuv3_flags - flags of struct iommu_hw_info_arm_smmuv3
 * @IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI: affected by erratum
 *	T264-SMMU-3: user space must issue TLBI and CFGI commands twice, with the
 *	SYNC that completes them
 */
enum iommu_hw_info_arm_smmuv3_flags {
	IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/**
 * struct iommu_hw_info_arm_smmuv3 - data of IOMMU_HW_INFO_TYPE_ARM_SMMUV3
 * @flags: bits of enum iommu_hw_info_arm_smmuv3_flags
 * @__reserved: 0
 * @idr: raw SMMU_IDR0 to SMMU_IDR5
 * @iidr: raw SMMU_IIDR, implementer and revision
 * @aidr: raw SMMU_AIDR, version of the architecture
 *
 * The registers (SMMUv3 architecture, 6.3.1 to 6.3.6) also report features that
 * the kernel can't provide to a guest.  Use these fields only:
 *
 * - idr[0]: ST_LEVEL, TERM_MODEL, STALL_MODEL, TTENDIAN, CD2L, ASID16, TTF
 * - idr[1]: SIDSIZE, SSIDSIZE
 * - idr[3]: BBML, RIL
 * - idr[5]: VAX, GRAN64K, GRAN16K, GRAN4K, DS
 *
 * Stage 1 is available if a nested HWPT can be allocated; walks are coherent
 * always.  ATS depends on the device, and is for the VMM to describe.
 */
struct iommu_hw_info_arm_smmuv3 {
	__u32 flags;
	__u32 __reserved;
	__u32 idr[6];
	__u32 iidr;
	__u32 aidr;
};

/**
 * struct iommu_hw_info_tegra241_cmdqv - data of
 *	IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV
 * @flags: 0
 * @version: hardware version, bits 3:0 of PARAM
 * @log2vcmdqs: log2 of the number of virtual command queues, bits 7:4
 * @log2vsids: log2 of the number of StreamID replacements, bits 15:12
 * @__reserved: 0
 *
 * The numbers can be used for the PARAM register of a guest, which has one
 * virtual interface, so that bits 11:8 are 0.
 */
struct iommu_hw_info_tegra241_cmdqv {
	__u32 flags;
	__u8 version;
	__u8 log2vcmdqs;
	__u8 log2vsids;
	__u8 __reserved;
};

/**
 * struct iommu_hw_info_amd - data of IOMMU_HW_INFO_TYPE_AMD
 * @efr: raw Extended Feature Register (MMIO offset 0x30)
 * @efr2: raw Extended Feature 2 Register (MMIO offset 0x1a0)
 *
 * The registers also report features that can't be provided to a guest.  Of @efr
 * the fields GTSup, GASup, GioSup, PPRSup, EPHSup, GATS, GLX and PASmax may be
 * passed on.
 */
struct iommu_hw_info_amd {
	__aligned_u64 efr;
	__aligned_u64 efr2;
};

/**
 * enum iommu_hw_info_type - types of hardware information
 * @IOMMU_HW_INFO_TYPE_NONE: in a response: the IOMMU has no information
 * @IOMMU_HW_INFO_TYPE_DEFAULT: in a request: the IOMMU's own type
 * @IOMMU_HW_INFO_TYPE_INTEL_VTD: struct iommu_hw_info_vtd
 * @IOMMU_HW_INFO_TYPE_ARM_SMMUV3: struct iommu_hw_info_arm_smmuv3
 * @IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV: struct iommu_hw_info_tegra241_cmdqv
 * @IOMMU_HW_INFO_TYPE_AMD: struct iommu_hw_info_amd
 */
enum iommu_hw_info_type {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_DEFAULT = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	IOMMU_HW_INFO_TYPE_AMD = 4,
};

/**
 * enum iommufd_hw_capabilities - features of a device, independent of the IOMMU
 * @IOMMU_HW_CAP_DIRTY_TRACKING: IOMMU_HWPT_SET_DIRTY_TRACKING and
 *	IOMMU_HWPT_GET_DIRTY_BITMAP are supported
 * @IOMMU_HW_CAP_PCI_PASID_EXEC: requests with PASID can have execute permission;
 *	only meaningful if out_max_pasid_log2 isn't 0
 * @IOMMU_HW_CAP_PCI_PASID_PRIV: requests with PASID can have privileged mode;
 *	only meaningful if out_max_pasid_log2 isn't 0
 * @IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: the device can't cache translations
 *	(ATS); if the bit is clear, it may be able to
 */
enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/**
 * enum iommufd_hw_info_flags - flags of struct iommu_hw_info
 * @IOMMU_HW_INFO_FLAG_INPUT_TYPE: in_data_type is the requested type
 */
enum iommufd_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommu_hw_info - IOMMU_GET_HW_INFO: query a device's IOMMU
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hw_info_flags
 * @dev_id: a bound device
 * @data_len: in: bytes at @data_uptr, may be 0; out: bytes that the kernel has
 * @data_uptr: address of a buffer for the structure of @out_data_type
 * @in_data_type: the requested type, one of enum iommu_hw_info_type; ignored
 *	without IOMMU_HW_INFO_FLAG_INPUT_TYPE
 * @out_data_type: the type returned
 * @out_max_pasid_log2: width of the device's PASIDs in bits, 0 if it can't use
 *	any
 * @__reserved: 0
 * @out_capabilities: bits of enum iommufd_hw_capabilities
 *
 * The data is truncated to a shorter buffer; the rest of a longer one is filled
 * with 0.
 *
 * Errors: -EOPNOTSUPP if the IOMMU doesn't have the requested type.
 */
struct iommu_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};
#define IOMMU_GET_HW_INFO _IO(IOMMUFD_TYPE, IOMMUFD_CMD_GET_HW_INFO)

/* ------------------------------------------------------------------------ */
/* Dirty tracking                                                           */

/**
 * enum iommufd_hwpt_set_dirty_tracking_flags - flags of
 *	IOMMU_HWPT_SET_DIRTY_TRACKING
 * @IOMMU_HWPT_DIRTY_TRACKING_ENABLE: start tracking; without it, stop
 */
enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommu_hwpt_set_dirty_tracking - IOMMU_HWPT_SET_DIRTY_TRACKING: start or
 *	stop tracking which pages devices write to
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hwpt_set_dirty_tracking_flags
 * @hwpt_id: a HWPT of an IOAS, made with IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 * @__reserved: 0
 *
 * Starting makes all pages clean, also if tracking was on.
 *
 * Errors: -EOPNOTSUPP if the HWPT has no dirty tracking, -ENOENT if it is nested.
 */
struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};
#define IOMMU_HWPT_SET_DIRTY_TRACKING \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING)

/**
 * enum iommufd_hwpt_get_dirty_bitmap_flags - flags of
 *	IOMMU_HWPT_GET_DIRTY_BITMAP
 * @IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: don't make the pages clean, which is
 *	cheaper, and sufficient before the range is unmapped
 */
enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommu_hwpt_get_dirty_bitmap - IOMMU_HWPT_GET_DIRTY_BITMAP: report the
 *	pages that devices wrote to
 * @size: bytes of this structure
 * @hwpt_id: a HWPT with dirty tracking on
 * @flags: bits of enum iommufd_hwpt_get_dirty_bitmap_flags
 * @__reserved: 0
 * @iova: first byte of the range; corresponds to bit 0
 * @length: bytes of the range
 * @page_size: bytes per bit, a power of two
 * @data: address of the bitmap, of 64-bit words
 *
 * Bit n % 64 of word n / 64 is set if the IOMMU saw a write to the bytes from
 * @iova + n * @page_size.  Bits are set, never cleared, and bytes past the last
 * bit aren't written.  Unless NO_CLEAR is given, the pages are clean afterwards
 * and the next write is reported again.
 *
 * The IOMMU records writes by page table entry, which may be larger than
 * @page_size: all bits of a dirty entry are set.  An entry that is only partly in
 * the range stays dirty.
 *
 * Holes in the range have no dirty pages.  (Linux 7.2 doesn't read past the first
 * one.)
 *
 * Errors: -EINVAL if the range is empty, -EOVERFLOW if its end overflows, -EINVAL
 * if an end of it isn't a multiple of @page_size and of the IOAS's alignment, or
 * if @page_size isn't a power of two, -EOPNOTSUPP if the HWPT has no dirty
 * tracking, -ENOENT if it is nested, -EFAULT if the bitmap can't be written
 * (Linux 7.2 returns 0).  After -EFAULT or -EINTR the bitmap has all that was
 * made clean, except for bits of an entry beyond those that could be written.
 */
struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};
#define IOMMU_HWPT_GET_DIRTY_BITMAP \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP)

/* ------------------------------------------------------------------------ */
/* Invalidation of nested page tables                                       */

/**
 * enum iommu_hwpt_invalidate_data_type - types of the array's entries for
 *	IOMMU_HWPT_INVALIDATE
 * @IOMMU_HWPT_INVALIDATE_DATA_VTD_S1: struct iommu_hwpt_vtd_s1_invalidate, for a
 *	nested HWPT
 * @IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3: struct
 *	iommu_viommu_arm_smmuv3_invalidate, for a vIOMMU
 */
enum iommu_hwpt_invalidate_data_type {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

/**
 * enum iommu_hwpt_vtd_s1_invalidate_flags - flags of struct
 *	iommu_hwpt_vtd_s1_invalidate
 * @IOMMU_VTD_INV_FLAGS_LEAF: only last-level entries changed; without it,
 *	invalidate cached upper levels, too
 */
enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommu_hwpt_vtd_s1_invalidate - an entry of type
 *	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1
 * @addr: first byte of the range, a multiple of 4096
 * @npages: length in units of 4096 bytes; U64_MAX with @addr 0 for all addresses
 * @flags: bits of enum iommu_hwpt_vtd_s1_invalidate_flags
 * @__reserved: 0
 *
 * Also invalidates translations that devices have cached by ATS.
 */
struct iommu_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct iommu_viommu_arm_smmuv3_invalidate - an entry of type
 *	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3
 * @cmd: a command as the guest wrote it to its command queue, little endian
 *
 * Supported are TLBI_NSNH_ALL, TLBI_NH_ALL, TLBI_NH_ASID, TLBI_NH_VA,
 * TLBI_NH_VAA, ATC_INV, CFGI_CD and CFGI_CD_ALL.  VMID and StreamID are
 * replaced by the host's.  Other commands, and StreamIDs without a vDEVICE, fail
 * with -EIO.
 */
struct iommu_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};

/**
 * struct iommu_hwpt_invalidate - IOMMU_HWPT_INVALIDATE: invalidate caches of the
 *	IOMMU
 * @size: bytes of this structure
 * @hwpt_id: a nested HWPT, for translations cached from its tables, or a vIOMMU,
 *	for any cache that the guest can invalidate
 * @data_uptr: address of an array of requests
 * @data_type: one of enum iommu_hwpt_invalidate_data_type, for all entries
 * @entry_len: bytes from one entry to the next
 * @entry_num: in: number of entries; out: number of entries completed
 * @__reserved: 0
 *
 * Required after a guest changed a table.  @entry_num is written on failure, too,
 * and counts the entries before the one that failed.  With 0 entries, only checks
 * whether @data_type is supported, and ignores @entry_len and @data_uptr.
 *
 * Errors: -EINVAL for an object of another type, a @data_type other than the
 * object's, an array without address or length, an @entry_len above a page or
 * more than 524288 entries; -EOPNOTSUPP if the object has no such caches.
 */
struct iommu_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num;
	__u32 __reserved;
};
#define IOMMU_HWPT_INVALIDATE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_INVALIDATE)

/* ------------------------------------------------------------------------ */
/* Page faults                                                              */

/**
 * enum iommu_hwpt_pgfault_flags - flags of struct iommu_hwpt_pgfault
 * @IOMMU_PGFAULT_FLAGS_PASID_VALID: the access had the PASID in pasid
 * @IOMMU_PGFAULT_FLAGS_LAST_PAGE: no more faults of this group follow
 */
enum iommu_hwpt_pgfault_flags {
	IOMMU_PGFAULT_FLAGS_PASID_VALID		= (1 << 0),
	IOMMU_PGFAULT_FLAGS_LAST_PAGE		= (1 << 1),
};

/**
 * enum iommu_hwpt_pgfault_perm - permissions requested by a faulting access
 * @IOMMU_PGFAULT_PERM_READ: read
 * @IOMMU_PGFAULT_PERM_WRITE: write
 * @IOMMU_PGFAULT_PERM_EXEC: execute, from its PASID prefix (PCIe 10.4.1)
 * @IOMMU_PGFAULT_PERM_PRIV: privileged mode, from its PASID prefix
 */
enum iommu_hwpt_pgfault_perm {
	IOMMU_PGFAULT_PERM_READ			= (1 << 0),
	IOMMU_PGFAULT_PERM_WRITE		= (1 << 1),
	IOMMU_PGFAULT_PERM_EXEC			= (1 << 2),
	IOMMU_PGFAULT_PERM_PRIV			= (1 << 3),
};

/**
 * struct iommu_hwpt_pgfault - a page fault, as read from a fault queue's file
 * @flags: bits of enum iommu_hwpt_pgfault_flags
 * @dev_id: the device that faulted
 * @pasid: PASID of the access, with IOMMU_PGFAULT_FLAGS_PASID_VALID
 * @grpid: page request group index, chosen by the device
 * @perm: bits of enum iommu_hwpt_pgfault_perm
 * @__reserved: 0
 * @addr: address of the access
 * @length: bytes that the device will access there, 0 if unknown
 * @cookie: identifies the group, to be copied to the response
 */
struct iommu_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie;
};

/**
 * enum iommufd_page_response_code - result of a group of faults (PCIe 10.4.2.1)
 * @IOMMUFD_PAGE_RESP_SUCCESS: "Success", the pages are mapped, retry
 * @IOMMUFD_PAGE_RESP_INVALID: "Invalid Request", don't retry
 */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
};

/**
 * struct iommu_hwpt_page_response - a response, as written to a fault queue's file
 * @cookie: cookie of the group's faults
 * @code: one of enum iommufd_page_response_code
 */
struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/**
 * struct iommu_fault_alloc - IOMMU_FAULT_QUEUE_ALLOC: create a queue for page
 *	faults
 * @size: bytes of this structure
 * @flags: 0
 * @out_fault_id: the new queue, for fault_id of IOMMU_HWPT_ALLOC
 * @out_fault_fd: its file, close-on-exec
 *
 * read() returns whole groups of struct iommu_hwpt_pgfault: -EINVAL if the first
 * one doesn't fit, -ESPIPE if the buffer isn't a multiple of a fault.  Without
 * faults it returns 0; poll() waits for them.  write() takes struct
 * iommu_hwpt_page_response, one for each group: it stops at an unknown cookie or
 * code, and returns the bytes before that, or -EINVAL if there are none.  A group
 * is refused when it can no longer be answered, as its device was moved or
 * detached, or the file closed, and when it would exceed the limit of 16384
 * unanswered faults.  The queue can be destroyed after its file is closed.
 *
 * Errors: -EMFILE if the process has no free descriptor.
 */
struct iommu_fault_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_fault_id;
	__u32 out_fault_fd;
};
#define IOMMU_FAULT_QUEUE_ALLOC \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_FAULT_QUEUE_ALLOC)

/* ------------------------------------------------------------------------ */
/* Virtual IOMMUs and their devices                                         */

/**
 * enum iommu_viommu_type - kinds of virtual IOMMU
 * @IOMMU_VIOMMU_TYPE_DEFAULT: invalid, refused with -EOPNOTSUPP
 * @IOMMU_VIOMMU_TYPE_ARM_SMMUV3: a share of an SMMUv3
 * @IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV: the same on NVIDIA's Tegra241, with virtual
 *	command queues: the kernel sets up a virtual interface with HYP_OWN 0, so
 *	the guest must read that bit of VINTF_CONFIG as 0.  Data is struct
 *	iommu_viommu_tegra241_cmdqv.
 */
enum iommu_viommu_type {
	IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * struct iommu_viommu_tegra241_cmdqv - data of
 *	IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV
 * @out_vintf_mmap_offset: offset for mmap() of the /dev/iommu file
 * @out_vintf_mmap_length: length for mmap(), in bytes
 *
 * The mapping is page 0 of the virtual interface.  Mapped to the guest's physical
 * address space, it allows the guest to use its command queues without VM exits.
 * mmap() it shared, not executable and as a whole.
 */
struct iommu_viommu_tegra241_cmdqv {
	__aligned_u64 out_vintf_mmap_offset;
	__aligned_u64 out_vintf_mmap_length;
};

/**
 * struct iommu_viommu_alloc - IOMMU_VIOMMU_ALLOC: create a virtual IOMMU (vIOMMU)
 * @size: bytes of this structure
 * @flags: 0
 * @type: one of enum iommu_viommu_type
 * @dev_id: a bound device behind the physical IOMMU
 * @hwpt_id: a HWPT made with IOMMU_HWPT_ALLOC_NEST_PARENT
 * @out_viommu_id: the new vIOMMU
 * @data_len: bytes at @data_uptr, 0 if @type has no data
 * @__reserved: 0
 * @data_uptr: address of the structure for @type
 *
 * A vIOMMU is the share of a physical IOMMU that belongs to one virtual machine:
 * cache tags (VMID or domain ID), a table of virtual device IDs, invalidation,
 * events, hardware queues and interrupts.  Several vIOMMUs, one for each physical
 * IOMMU, can share a nesting parent.
 *
 * Errors: -EOPNOTSUPP if the IOMMU doesn't support @type, -EINVAL if @hwpt_id
 * isn't a nesting parent.
 */
struct iommu_viommu_alloc {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};
#define IOMMU_VIOMMU_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VIOMMU_ALLOC)

/**
 * struct iommu_vdevice_alloc - IOMMU_VDEVICE_ALLOC: assign a virtual device ID
 * @size: bytes of this structure
 * @viommu_id: the vIOMMU
 * @dev_id: a bound device behind the same physical IOMMU
 * @out_vdevice_id: the new vDEVICE
 * @virt_id: the guest's ID of the device: StreamID (SMMUv3), DeviceID (AMD) or
 *	requester ID (VT-d)
 *
 * Destroy the vDEVICE before the device is unbound.  Else unbinding destroys it,
 * and its object ID isn't reused until the file is closed.
 *
 * Errors: -EEXIST if the device has a vDEVICE or @virt_id is in use in the
 * vIOMMU, -EINVAL if the device is behind another IOMMU, -ENOENT if it is being
 * unbound.
 */
struct iommu_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};
#define IOMMU_VDEVICE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VDEVICE_ALLOC)

/* ------------------------------------------------------------------------ */
/* Events of a virtual IOMMU                                                */

/**
 * enum iommu_veventq_flag - flags of struct iommufd_vevent_header
 * @IOMMU_VEVENTQ_FLAG_LOST_EVENTS: events were lost because the queue was full
 */
enum iommu_veventq_flag {
	IOMMU_VEVENTQ_FLAG_LOST_EVENTS = (1U << 0),
};

/**
 * struct iommufd_vevent_header - precedes each event read from an event queue
 * @flags: bits of enum iommu_veventq_flag
 * @sequence: number of the event, from 0 to INT_MAX and then 0 again
 *
 * The header is followed by data of the queue's type.  If @sequence advances by
 * more than one, the events between were lost.  If the latest events were lost,
 * so that no event follows to show that, a header with
 * IOMMU_VEVENTQ_FLAG_LOST_EVENTS and no data comes last.
 */
struct iommufd_vevent_header {
	__u32 flags;
	__u32 sequence;
};

/**
 * enum iommu_veventq_type - kinds of event queue
 * @IOMMU_VEVENTQ_TYPE_DEFAULT: invalid, refused with -EOPNOTSUPP
 * @IOMMU_VEVENTQ_TYPE_ARM_SMMUV3: struct iommu_vevent_arm_smmuv3
 * @IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV: struct iommu_vevent_tegra241_cmdqv
 */
enum iommu_veventq_type {
	IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * struct iommu_vevent_arm_smmuv3 - data of IOMMU_VEVENTQ_TYPE_ARM_SMMUV3
 * @evt: an event record (SMMUv3 architecture, 7.3), little endian
 *
 * Delivered are C_BAD_STE (0x04), F_STREAM_DISABLED (0x06), C_BAD_SUBSTREAMID
 * (0x08), C_BAD_CD (0x0a), F_TRANSLATION (0x10), F_ADDR_SIZE (0x11), F_ACCESS
 * (0x12) and F_PERMISSION (0x13), with the guest's StreamID.  Events of devices
 * without a vDEVICE are not delivered.
 */
struct iommu_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};

/**
 * struct iommu_vevent_tegra241_cmdqv - data of
 *	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV
 * @lvcmdq_err_map: raw LVCMDQ_ERR_MAP of the vIOMMU's virtual interface, one bit
 *	for each logical queue, little endian
 */
struct iommu_vevent_tegra241_cmdqv {
	__aligned_le64 lvcmdq_err_map[2];
};

/**
 * struct iommu_veventq_alloc - IOMMU_VEVENTQ_ALLOC: create an event queue of a
 *	vIOMMU (vEVENTQ)
 * @size: bytes of this structure
 * @flags: 0
 * @viommu_id: the vIOMMU
 * @type: one of enum iommu_veventq_type; a vIOMMU has one queue of each type
 * @veventq_depth: limit of unread events, 1 to 524288; further ones are lost
 * @out_veventq_id: the new queue
 * @out_veventq_fd: its file, close-on-exec; close it before destroying the queue
 * @__reserved: 0
 *
 * read() returns whole events, each with its struct iommufd_vevent_header: -EINVAL
 * if the first one doesn't fit.  Without events it returns 0; poll() waits for
 * them.
 *
 * Errors: -EEXIST if the vIOMMU has a queue of that type, -EINVAL for a depth
 * out of range, -EMFILE if the process has no free descriptor.
 */
struct iommu_veventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};
#define IOMMU_VEVENTQ_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VEVENTQ_ALLOC)

/* ------------------------------------------------------------------------ */
/* Hardware queues                                                          */

/**
 * enum iommu_hw_queue_type - kinds of hardware queue
 * @IOMMU_HW_QUEUE_TYPE_DEFAULT: invalid, refused with -EOPNOTSUPP
 * @IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV: a virtual command queue of Tegra241.
 *	Indices must be allocated in ascending order from 0 (else -EIO) and
 *	destroyed in descending order (else -EBUSY).  The length is a power of two
 *	from 32 to 16 << idr[1].CMDQS bytes (see struct iommu_hw_info_arm_smmuv3).
 *	The memory must be physically contiguous and aligned to the length, so
 *	give the guest a CMDQS with which a queue fits in one huge page.
 */
enum iommu_hw_queue_type {
	IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

/**
 * struct iommu_hw_queue_alloc - IOMMU_HW_QUEUE_ALLOC: make the hardware use a
 *	queue in guest memory
 * @size: bytes of this structure
 * @flags: 0
 * @viommu_id: the vIOMMU
 * @type: one of enum iommu_hw_queue_type
 * @index: index of the queue, within its type
 * @out_hw_queue_id: the new queue
 * @nesting_parent_iova: first byte of the queue, an IOVA of the vIOMMU's nesting
 *	parent and so a guest physical address
 * @length: in bytes, not 0
 *
 * While the queue exists, unmapping its memory fails with -EBUSY.
 *
 * Errors: -EOPNOTSUPP if the vIOMMU doesn't support @type, -EEXIST if @index is
 * in use, -EINVAL for an @index that the hardware doesn't have or a @length of 0,
 * -ENOENT if the range isn't mapped, -EFAULT if its pages aren't contiguous.
 */
struct iommu_hw_queue_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 index;
	__u32 out_hw_queue_id;
	__aligned_u64 nesting_parent_iova;
	__aligned_u64 length;
};
#define IOMMU_HW_QUEUE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HW_QUEUE_ALLOC)

#endif /* _UAPI_IOMMUFD_H */
