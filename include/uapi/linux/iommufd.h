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
 * DOC: How every ioctl works
 *
 * The argument points to a structure whose first member, @size, says how many
 * bytes the caller has.  Three cases keep old and new programs working:
 *
 * - @size below what the first version of the ioctl had: -EINVAL.
 * - @size below what this header has: members that are missing count as 0, and
 *   nothing is written behind @size.
 * - @size above what the kernel has: fine while all surplus bytes are 0, else
 *   -E2BIG.
 *
 * Objects (address spaces, page tables, devices, ...) are named by a 32-bit ID
 * that is valid in one open file of /dev/iommu and is never 0.  Members called
 * out_* are filled in on success.  Members called __reserved, and unknown bits
 * in flags, have to be 0.  Addresses and lengths are in bytes.  Ranges called
 * "last" include that byte.
 *
 * Errors mean the same everywhere and are repeated below only where the cause
 * isn't plain:
 *
 * - -ENOTTY: no such ioctl.
 * - -EINVAL: @size is too small, or a value can't be right.
 * - -E2BIG: a member that this kernel doesn't have is not 0.
 * - -EOPNOTSUPP: an unknown flag, a reserved member that isn't 0, or a feature
 *   that the kernel or the IOMMU doesn't have.
 * - -ENOENT: no object with this ID, or one of another type; no such mapping.
 * - -EOVERFLOW: an address plus a length goes beyond what fits.
 * - -EFAULT: user memory isn't there.
 * - -ENOMEM: no memory for the kernel's own use, or RLIMIT_MEMLOCK is reached.
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
 * struct iommu_destroy - IOMMU_DESTROY: remove an object
 * @size: bytes of this structure
 * @id: the object, of any type that user space made
 *
 * Objects go in the reverse order of their making: a nested page table before
 * its parent, a page table before its address space.  An address space drops
 * its mappings with it.
 *
 * Errors: -ENOENT if there is no such object (any more), -EBUSY while another
 * object, a bound device, an open queue file or a memory mapping needs it.
 */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};
#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DESTROY)

/* ------------------------------------------------------------------------ */
/* I/O address spaces                                                       */

/**
 * struct iommu_ioas_alloc - IOMMU_IOAS_ALLOC: make an I/O address space (IOAS)
 * @size: bytes of this structure
 * @flags: 0
 * @out_ioas_id: the new IOAS
 *
 * An IOAS says which memory stands behind which I/O virtual address (IOVA).
 * It starts empty, with every address usable.  Page tables (HWPTs) for devices
 * are filled from it.
 */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC)

/**
 * struct iommu_iova_range - a piece of an I/O address space
 * @start: first byte
 * @last: last byte, part of the range
 */
struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommu_ioas_iova_ranges - IOMMU_IOAS_IOVA_RANGES: ask what is usable
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @num_iovas: in: room in @allowed_iovas, in entries; out: how many ranges exist
 * @__reserved: 0
 * @allowed_iovas: address of an array of struct iommu_iova_range
 * @out_iova_alignment: granule of addresses and lengths, a power of two between
 *	1 and the size of a page
 *
 * The ranges come in ascending order and leave out what attached devices can't
 * reach or what is reserved for them, such as the window for interrupts.  So
 * the answer can shrink by an attach and grow by a detach; ask again after one.
 * Both ends of a mapping have to be multiples of @out_iova_alignment.
 *
 * Errors: -EMSGSIZE if the ranges didn't fit; @num_iovas then has the number
 * and the first ones are in the array.
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
 * struct iommu_ioas_allow_iovas - IOMMU_IOAS_ALLOW_IOVAS: insist on ranges
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @num_iovas: entries in @allowed_iovas; 0 takes back what was insisted on
 * @__reserved: 0
 * @allowed_iovas: address of an array of struct iommu_iova_range
 *
 * From here on no attach may take away any part of these ranges: a device that
 * would is refused.  Addresses that the kernel chooses (a map or copy without
 * IOMMU_IOAS_MAP_FIXED_IOVA) lie inside them.  Each call puts a new list in the
 * place of the former one, or leaves that as it is on failure.
 *
 * Errors: -EADDRINUSE if an attached device has a part of a range reserved,
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
 * enum iommufd_ioas_map_flags - how to map
 * @IOMMU_IOAS_MAP_FIXED_IOVA: the caller says where; without it the kernel picks
 * @IOMMU_IOAS_MAP_WRITEABLE: devices may write
 * @IOMMU_IOAS_MAP_READABLE: devices may read
 *
 * At least one of WRITEABLE and READABLE is needed.
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
 * @iova: in, with IOMMU_IOAS_MAP_FIXED_IOVA: where to map; out: where it is
 *
 * The memory is pinned and charged to RLIMIT_MEMLOCK as soon as a page table or
 * an in-kernel user needs it, which is at once if the IOAS has one.  The pages
 * behind @user_va at that time stay mapped, whatever the process does with the
 * address later.  Nothing that is mapped already is ever replaced.
 *
 * An address that the kernel picks is never 0, honours the allowed and reserved
 * ranges, and is aligned as @user_va so that huge pages fit.
 *
 * Errors: -EINVAL for a length of 0, neither READABLE nor WRITEABLE, an address
 * off the IOAS's alignment or in a reserved range, -EEXIST if a part of the
 * range is mapped, -ENOSPC if no hole is large enough, -EFAULT if memory is
 * missing or may not be written, -ENOMEM at the limit of locked memory.
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
 * struct iommu_ioas_map_file - IOMMU_IOAS_MAP_FILE: map a part of a file
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_ioas_map_flags
 * @ioas_id: the IOAS
 * @fd: a memfd (ordinary or huge pages), or a dma-buf that the kernel can map
 * @start: first byte, as an offset in the file
 * @length: in bytes, not 0
 * @iova: as in struct iommu_ioas_map
 *
 * A mapping of a memfd doesn't depend on the address space of a process, so it can
 * pass to another one with IOMMU_IOAS_CHANGE_PROCESS.
 *
 * Of dma-bufs those work that a VFIO PCI device exports for one range of a BAR.
 * Nothing of them is pinned or charged.  Whoever exports one may revoke it, which
 * happens when memory access of the device is disabled: then nothing is translated
 * there any more.  The mapping stays until it is unmapped, empty for good; a new one
 * can be made when access is enabled again.  The kernel itself doesn't reach such
 * memory, and IOMMU_IOAS_CHANGE_PROCESS is refused while there is any.
 *
 * Errors: as for IOMMU_IOAS_MAP, -EBADF if @fd isn't open, -EINVAL for a file
 * of another kind or a range behind its end, -ENODEV for a dma-buf that is revoked,
 * -EOPNOTSUPP for one that nobody knows how to map (all, before Linux 7.2).
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
 * struct iommu_ioas_noiommu_get_pa - IOMMU_IOAS_NOIOMMU_GET_PA: where memory is
 * @size: bytes of this structure
 * @flags: 0
 * @ioas_id: the IOAS
 * @__reserved: 0
 * @iova: first byte, which has to be mapped
 * @length: in: bytes that are wanted, not 0; out: how many of them are in one piece
 * @out_phys: out: the physical address of the first
 *
 * For devices without an IOMMU, whose user is trusted to program physical addresses.
 * There are none here: -EOPNOTSUPP, as on Linux 7.3 without CONFIG_IOMMUFD_NOIOMMU,
 * once @size and what lies past the structure are in order.
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
 * struct iommu_ioas_copy - IOMMU_IOAS_COPY: map what is mapped already again
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_ioas_map_flags, for the copy
 * @dst_ioas_id: the IOAS to map in
 * @src_ioas_id: the IOAS that has the mapping; may be the same one
 * @length: in bytes, not 0
 * @dst_iova: in, with IOMMU_IOAS_MAP_FIXED_IOVA: where to map; out: where it is
 * @src_iova: first byte of the source
 *
 * Source and copy stand for the same pages, pinned and charged once, however
 * the process's memory has changed since.  The copy outlives its source.  Read
 * and write permission are those of @flags; memory that was mapped from a place
 * that can't be written can't be copied WRITEABLE.
 *
 * Errors: -ENOENT if the source range isn't mapped from end to end, -EPERM for
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
 * struct iommu_ioas_unmap - IOMMU_IOAS_UNMAP: end mappings
 * @size: bytes of this structure
 * @ioas_id: the IOAS
 * @iova: first byte
 * @length: in: bytes to look at; out: bytes that were mapped in them
 *
 * Every mapping in the range goes whole: none may stick out of it.  Holes don't
 * matter.  @iova 0 with @length U64_MAX means everything, and is no error if
 * that is nothing.  When the call returns, no device reaches the memory.
 *
 * Errors: -ENOENT if nothing is mapped in the range or a mapping begins or ends
 * outside of it (those before it may be gone then), -EBUSY if a hardware queue
 * lies in a mapping or another thread is unmapping it.
 */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};
#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP)

/**
 * struct iommu_ioas_change_process - IOMMU_IOAS_CHANGE_PROCESS: new owner pays
 * @size: bytes of this structure
 * @__reserved: 0
 *
 * Moves the charge for all pinned memory, in every IOAS of the file, to the
 * calling process; all of it or, on failure, none.  Meant for handing a running
 * device to a fresh program.
 *
 * Errors: -EINVAL if there is a mapping that wasn't made with
 * IOMMU_IOAS_MAP_FILE, -ENOMEM if the caller's limit of locked memory is too
 * low, -EBUSY if a mapping is being removed.
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
 * enum iommufd_option - what IOMMU_OPTION reads or sets
 * @IOMMU_OPTION_RLIMIT_MODE: who is charged for pinned memory: 0 the user
 *	(default), 1 the process.  Applies to the file, so object_id is 0.
 *	Setting takes CAP_SYS_RESOURCE and a file without any object.
 * @IOMMU_OPTION_HUGE_PAGES: 1 (default) joins neighbouring pages to large
 *	entries of the page table, 0 makes each entry one page.  object_id is an
 *	IOAS.  Can't be turned off while the IOAS has both page tables and
 *	mappings.
 */
enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0,
	IOMMU_OPTION_HUGE_PAGES = 1,
};

/**
 * enum iommufd_option_ops - direction of IOMMU_OPTION
 * @IOMMU_OPTION_OP_SET: write val64 to the option
 * @IOMMU_OPTION_OP_GET: read the option to val64
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
 * @object_id: the object that the option belongs to, 0 for the file
 * @val64: the value, in or out by @op
 *
 * Errors: -EPERM without the privilege to set it, -EBUSY if the file has
 * objects already (RLIMIT_MODE), -EINVAL for a value that the option can't have
 * (now), -EOPNOTSUPP for an unknown option or operation, or an object_id with
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
 * enum iommufd_vfio_ioas_op - what IOMMU_VFIO_IOAS does
 * @IOMMU_VFIO_IOAS_GET: say which IOAS it is
 * @IOMMU_VFIO_IOAS_SET: choose one
 * @IOMMU_VFIO_IOAS_CLEAR: have none; the IOAS itself stays
 */
enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/**
 * struct iommu_vfio_ioas - IOMMU_VFIO_IOAS: the IOAS behind type1 ioctls
 * @size: bytes of this structure
 * @ioas_id: the IOAS; in for SET, out for GET
 * @op: one of enum iommufd_vfio_ioas_op
 * @__reserved: 0
 *
 * VFIO's container ioctls (VFIO_IOMMU_MAP_DMA and so on) work on a file of
 * /dev/iommu too, but have no member for an ID.  This one is taken; without one
 * they say -ENODEV.  An IOAS that is destroyed isn't chosen any more.
 *
 * They are VFIO_GET_API_VERSION, _CHECK_EXTENSION, _SET_IOMMU (TYPE1 and TYPE1v2,
 * as often as one likes), VFIO_IOMMU_GET_INFO, _MAP_DMA and _UNMAP_DMA.  TYPE1 is
 * TYPE1v2 with IOMMU_OPTION_HUGE_PAGES off, which allows to unmap a part of a
 * mapping; it is -EINVAL if the IOAS has both mappings and page tables.  Dirty pages
 * are asked for by IOMMU_HWPT_GET_DIRTY_BITMAP only.
 *
 * Errors: -ENODEV for GET if there is none, -ENOENT for SET if @ioas_id isn't one,
 * -EOPNOTSUPP for an unknown @op.
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
 * enum iommufd_hwpt_alloc_flags - wishes for a page table
 * @IOMMU_HWPT_ALLOC_NEST_PARENT: nested page tables will be put on top of it
 * @IOMMU_HWPT_ALLOC_DIRTY_TRACKING: it can tell which pages devices wrote; only
 *	devices whose IOMMU can do so may be attached
 * @IOMMU_HWPT_FAULT_ID_VALID: fault_id names the queue for its page faults
 * @IOMMU_HWPT_ALLOC_PASID: it may be attached to PASIDs.  A device whose PASIDs
 *	are used needs a page table with this flag for its DMA without PASID as
 *	well, so an explicit one is better there than an IOAS.
 */
enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

/**
 * enum iommu_hwpt_vtd_s1_flags - bits of a VT-d first-stage PASID entry
 * @IOMMU_VTD_S1_SRE: SRE, requests with supervisor privilege are served
 * @IOMMU_VTD_S1_EAFE: EAFE, the extended-accessed bit is maintained
 * @IOMMU_VTD_S1_WPE: WPE, supervisor writes respect read-only pages
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
 * @addr_width: bits of an input address: 48 for four levels, 57 for five
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
 * Of the entry (SMMUv3 architecture, 5.2) only these fields may be set: V, Cfg,
 * S1Fmt, S1ContextPtr and S1CDMax in the first, EATS, S1DSS, S1CIR, S1COR,
 * S1CSH and S1STALLD in the second doubleword.  Cfg is stage 1, bypass (the
 * parent alone translates) or abort.  Addresses in it, and in the context
 * descriptors behind it, are the guest's physical ones.
 *
 * A stage 1 entry can be attached only to a device that has a vDEVICE: the
 * virtual StreamID is needed to route invalidations and events.  Bypass and
 * abort entries work without, but then the guest hears of no events.  So make
 * the vDEVICE as soon as its StreamID is known, and attach again.
 *
 * IOMMU_HWPT_ALLOC gives -EIO for other bits or an impossible entry.
 */
struct iommu_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * struct iommu_hwpt_amd_guest - data of IOMMU_HWPT_DATA_AMD_GUEST
 * @dte: the guest's Device Table Entry, all 256 bits
 *
 * What describes the guest's own tables is taken from it (GV, GLX, the GCR3
 * root, the paging mode).  The host root and mode have to be 0.
 */
struct iommu_hwpt_amd_guest {
	__aligned_u64 dte[4];
};

/**
 * enum iommu_hwpt_data_type - what data_uptr of IOMMU_HWPT_ALLOC points to
 * @IOMMU_HWPT_DATA_NONE: nothing; the page table is the kernel's
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
 * struct iommu_hwpt_alloc - IOMMU_HWPT_ALLOC: make a hardware page table (HWPT)
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hwpt_alloc_flags
 * @dev_id: a bound device, whose IOMMU the page table is for
 * @pt_id: what the page table hangs on, see below
 * @out_hwpt_id: the new HWPT
 * @__reserved: 0
 * @data_type: one of enum iommu_hwpt_data_type
 * @data_len: bytes at @data_uptr, 0 for IOMMU_HWPT_DATA_NONE and only then
 * @data_uptr: address of the structure that @data_type names
 * @fault_id: a fault queue, with IOMMU_HWPT_FAULT_ID_VALID
 * @__reserved2: 0
 *
 * With an IOAS as @pt_id the page table is one that the kernel fills with the
 * IOAS's mappings and keeps in step with it.  With a HWPT that was made as
 * NEST_PARENT, or a vIOMMU on top of one, it is a nested page table: the guest
 * owns and fills it in its memory, and the parent translates what comes out.
 * A device that is attached to an IOAS gets a HWPT of the first kind without
 * this call, unless a fitting one is there.
 *
 * Errors: -EINVAL if @pt_id is unknown, of the wrong type, no nesting parent or
 * belongs to another IOMMU than the device, or if @data_type and @data_len
 * disagree; -EOPNOTSUPP if the IOMMU can't do what the flags or the data type
 * ask for; -EADDRINUSE if the IOAS has mappings out of the IOMMU's reach.
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
 * enum iommu_hw_info_vtd_flags - notes on a VT-d unit
 * @IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17: has erratum SPR17 of Intel's document
 *	772415: a nesting parent can't have mappings that are read-only
 */
enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommu_hw_info_vtd - data of IOMMU_HW_INFO_TYPE_INTEL_VTD
 * @flags: bits of enum iommu_hw_info_vtd_flags
 * @__reserved: 0
 * @cap_reg: the capability register (VT-d architecture, 11.4.2), as it reads
 * @ecap_reg: the extended capability register (11.4.3), as it reads
 */
struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * enum iommu_hw_info_arm_smmuv3_flags - flags of struct iommu_hw_info_arm_smmuv3
 * @IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI: the SMMU has erratum
 *	T264-SMMU-3: user space has to issue TLBI and CFGI commands, with the SYNC
 *	that ends them, twice
 */
enum iommu_hw_info_arm_smmuv3_flags {
	IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/**
 * struct iommu_hw_info_arm_smmuv3 - data of IOMMU_HW_INFO_TYPE_ARM_SMMUV3
 * @flags: bits of enum iommu_hw_info_arm_smmuv3_flags
 * @__reserved: 0
 * @idr: SMMU_IDR0 to SMMU_IDR5, as they read
 * @iidr: SMMU_IIDR, implementer and revision
 * @aidr: SMMU_AIDR, version of the architecture
 *
 * The registers (SMMUv3 architecture, 6.3.1 to 6.3.6) hold more than the kernel
 * can give to a guest.  Rely on these fields only:
 *
 * - idr[0]: ST_LEVEL, TERM_MODEL, STALL_MODEL, TTENDIAN, CD2L, ASID16, TTF
 * - idr[1]: SIDSIZE, SSIDSIZE
 * - idr[3]: BBML, RIL
 * - idr[5]: VAX, GRAN64K, GRAN16K, GRAN4K, DS
 *
 * Stage 1 is there if a nested HWPT can be made, coherent walks always are.
 * ATS depends on the device and is the virtual machine monitor's to describe.
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
 * @log2vcmdqs: virtual command queues, as a power of two, bits 7:4
 * @log2vsids: StreamID replacements, as a power of two, bits 15:12
 * @__reserved: 0
 *
 * The numbers can go into the PARAM register that a guest sees.  It has one
 * virtual interface, so bits 11:8 there are 0.
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
 * @efr: Extended Feature Register (MMIO offset 0x30), as it reads
 * @efr2: Extended Feature 2 Register (MMIO offset 0x1a0), as it reads
 *
 * The registers hold more than can be given to a guest.  In @efr the fields
 * GTSup, GASup, GioSup, PPRSup, EPHSup, GATS, GLX and PASmax may be passed on.
 */
struct iommu_hw_info_amd {
	__aligned_u64 efr;
	__aligned_u64 efr2;
};

/**
 * enum iommu_hw_info_type - kinds of hardware information
 * @IOMMU_HW_INFO_TYPE_NONE: as an answer: the IOMMU says nothing
 * @IOMMU_HW_INFO_TYPE_DEFAULT: as a question: whatever the IOMMU has
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
 * enum iommufd_hw_capabilities - what works for a device, on any IOMMU
 * @IOMMU_HW_CAP_DIRTY_TRACKING: IOMMU_HWPT_SET_DIRTY_TRACKING and
 *	IOMMU_HWPT_GET_DIRTY_BITMAP
 * @IOMMU_HW_CAP_PCI_PASID_EXEC: requests with PASID may ask to execute; has a
 *	meaning only if out_max_pasid_log2 isn't 0
 * @IOMMU_HW_CAP_PCI_PASID_PRIV: requests with PASID may ask for privilege; has
 *	a meaning only if out_max_pasid_log2 isn't 0
 * @IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: the device can't cache translations
 *	(ATS); if the bit is clear it may
 */
enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/**
 * enum iommufd_hw_info_flags - flags of struct iommu_hw_info
 * @IOMMU_HW_INFO_FLAG_INPUT_TYPE: in_data_type says which kind is wanted
 */
enum iommufd_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommu_hw_info - IOMMU_GET_HW_INFO: ask about a device's IOMMU
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hw_info_flags
 * @dev_id: a bound device
 * @data_len: in: bytes at @data_uptr, 0 is fine; out: bytes that the kernel has
 * @data_uptr: address of a buffer for the structure that @out_data_type names
 * @in_data_type: the wanted type, of enum iommu_hw_info_type; ignored without
 *	IOMMU_HW_INFO_FLAG_INPUT_TYPE
 * @out_data_type: the type that was delivered
 * @out_max_pasid_log2: width of the device's PASIDs in bits, 0 if it can't use
 *	them
 * @__reserved: 0
 * @out_capabilities: bits of enum iommufd_hw_capabilities
 *
 * A short buffer gets the beginning of the information, the surplus of a long
 * one is filled with 0.
 *
 * Errors: -EOPNOTSUPP if the IOMMU doesn't have the wanted type.
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
/* Which pages were written                                                 */

/**
 * enum iommufd_hwpt_set_dirty_tracking_flags - flags of
 *	IOMMU_HWPT_SET_DIRTY_TRACKING
 * @IOMMU_HWPT_DIRTY_TRACKING_ENABLE: begin; without it, end
 */
enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommu_hwpt_set_dirty_tracking - IOMMU_HWPT_SET_DIRTY_TRACKING: begin or
 *	end to record which pages devices write
 * @size: bytes of this structure
 * @flags: bits of enum iommufd_hwpt_set_dirty_tracking_flags
 * @hwpt_id: a HWPT on an IOAS, made with IOMMU_HWPT_ALLOC_DIRTY_TRACKING
 * @__reserved: 0
 *
 * All pages count as clean when it begins, also if it had begun before.
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
 * @IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: leave the pages dirty, which is cheaper
 *	and right before the range is unmapped
 */
enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommu_hwpt_get_dirty_bitmap - IOMMU_HWPT_GET_DIRTY_BITMAP: read which
 *	pages were written
 * @size: bytes of this structure
 * @hwpt_id: a HWPT whose dirty tracking is on
 * @flags: bits of enum iommufd_hwpt_get_dirty_bitmap_flags
 * @__reserved: 0
 * @iova: first byte of the range; bit 0 stands for it
 * @length: bytes of the range
 * @page_size: bytes that a bit stands for, a power of two
 * @data: address of the bitmap, of 64-bit words
 *
 * Bit n % 64 of word n / 64 is set if the IOMMU saw a write in the bytes from
 * @iova + n * @page_size; bits are only ever set, never cleared, and bytes behind
 * the last bit aren't touched.  The pages are clean afterwards, and the next write
 * is seen, unless NO_CLEAR says otherwise.
 *
 * The IOMMU knows of a write by the entry of its page table, which may be larger
 * than @page_size: all bits of the entry are set.  An entry that lies only in part
 * in the range stays dirty.
 *
 * Holes in the range have no dirty pages.  (Linux 7.2 doesn't read what lies behind
 * the first one.)
 *
 * Errors: -EINVAL if the range is empty, -EOVERFLOW if it has no end, -EINVAL if an
 * end of it isn't a multiple of @page_size and of the IOAS's alignment, or if @page_size
 * isn't a power of two, -EOPNOTSUPP if the HWPT has no dirty tracking, -ENOENT if it
 * is nested, -EFAULT if the bitmap can't be written to (Linux 7.2 says 0).  With
 * -EFAULT or -EINTR, what was made clean is in the bitmap already, but for what of an
 * entry stands for bits behind those that could be written.
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
 * enum iommu_hwpt_invalidate_data_type - what an entry of
 *	IOMMU_HWPT_INVALIDATE's array is
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
 * @IOMMU_VTD_INV_FLAGS_LEAF: only last-level entries changed; without it cached
 *	upper levels go as well
 */
enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommu_hwpt_vtd_s1_invalidate - an entry of type
 *	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1
 * @addr: first byte of the range, a multiple of 4096
 * @npages: length in units of 4096 bytes; U64_MAX with @addr 0 is everything
 * @flags: bits of enum iommu_hwpt_vtd_s1_invalidate_flags
 * @__reserved: 0
 *
 * Translations that devices cached by ATS are dropped along with the IOMMU's.
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
 * Understood are TLBI_NSNH_ALL, TLBI_NH_ALL, TLBI_NH_ASID, TLBI_NH_VA,
 * TLBI_NH_VAA, ATC_INV, CFGI_CD and CFGI_CD_ALL.  VMID and StreamID are
 * replaced by the host's.  Other commands, and StreamIDs without a vDEVICE, end
 * the call with -EIO.
 */
struct iommu_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};

/**
 * struct iommu_hwpt_invalidate - IOMMU_HWPT_INVALIDATE: drop cached translations
 * @size: bytes of this structure
 * @hwpt_id: a nested HWPT, for what is cached of its tables, or a vIOMMU, for
 *	caches of any kind that the guest can name
 * @data_uptr: address of an array of requests
 * @data_type: one of enum iommu_hwpt_invalidate_data_type, the same for all
 * @entry_len: bytes from one entry to the next
 * @entry_num: in: number of entries; out: how many were carried out
 * @__reserved: 0
 *
 * Needed after a guest changed a table.  @entry_num is written on failure too
 * and counts the entries before the one that failed.  With 0 entries the call
 * only tells whether @data_type is known; @entry_len and @data_uptr are not
 * looked at then.
 *
 * Errors: -EINVAL for an object of another type, another @data_type than the
 * object's, an array without address or length, an @entry_len above a page or
 * more than 524288 entries; -EOPNOTSUPP if the object can't be invalidated.
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
 * enum iommu_hwpt_pgfault_perm - what a faulting access wanted to do
 * @IOMMU_PGFAULT_PERM_READ: read
 * @IOMMU_PGFAULT_PERM_WRITE: write
 * @IOMMU_PGFAULT_PERM_EXEC: execute, as marked in its PASID prefix (PCIe 10.4.1)
 * @IOMMU_PGFAULT_PERM_PRIV: do so with privilege, as marked there
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
 * @pasid: its PASID, if the flags say so
 * @grpid: number of the page request group, the device's own
 * @perm: bits of enum iommu_hwpt_pgfault_perm
 * @__reserved: 0
 * @addr: the address
 * @length: bytes that the device will want from there, 0 if it doesn't say
 * @cookie: the kernel's number for the group, goes back in the response
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
 * enum iommufd_page_response_code - how a group of faults ended (PCIe 10.4.2.1)
 * @IOMMUFD_PAGE_RESP_SUCCESS: "Success", the pages are there, try again
 * @IOMMUFD_PAGE_RESP_INVALID: "Invalid Request", don't
 */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
};

/**
 * struct iommu_hwpt_page_response - the answer, as written to the same file
 * @cookie: of the group's faults
 * @code: one of enum iommufd_page_response_code
 */
struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/**
 * struct iommu_fault_alloc - IOMMU_FAULT_QUEUE_ALLOC: make a queue for page
 *	faults
 * @size: bytes of this structure
 * @flags: 0
 * @out_fault_id: the new queue, for fault_id of IOMMU_HWPT_ALLOC
 * @out_fault_fd: its file, close-on-exec
 *
 * read() gives whole groups of struct iommu_hwpt_pgfault: -EINVAL if the first
 * one doesn't fit, -ESPIPE if the buffer isn't a multiple of a fault.  Without
 * faults it returns 0; poll() waits for them.  write() takes struct
 * iommu_hwpt_page_response, one for a group: -EINVAL for an unknown cookie or
 * code, after which nothing is looked at; those before it count.  A group that
 * nobody can answer any more is refused: its device was moved or has left, or the
 * file is closed.  So is one that comes when 16384 faults wait or are read and
 * not answered.  The queue can be destroyed after its file is closed.
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
 * @IOMMU_VIOMMU_TYPE_DEFAULT: none, refused with -EOPNOTSUPP
 * @IOMMU_VIOMMU_TYPE_ARM_SMMUV3: a share of an SMMUv3
 * @IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV: the same on NVIDIA's Tegra241, with its
 *	virtual command queues: the kernel sets up a virtual interface with
 *	HYP_OWN 0, so the guest has to read that bit of VINTF_CONFIG as 0.  Data
 *	is struct iommu_viommu_tegra241_cmdqv.
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
 * The mapping is page 0 of the virtual interface.  In the guest's physical
 * address space it lets the guest drive its command queues without an exit.  It
 * has to be mapped shared, not executable and in one piece.
 */
struct iommu_viommu_tegra241_cmdqv {
	__aligned_u64 out_vintf_mmap_offset;
	__aligned_u64 out_vintf_mmap_length;
};

/**
 * struct iommu_viommu_alloc - IOMMU_VIOMMU_ALLOC: make a virtual IOMMU (vIOMMU)
 * @size: bytes of this structure
 * @flags: 0
 * @type: one of enum iommu_viommu_type
 * @dev_id: a bound device behind the physical IOMMU
 * @hwpt_id: a HWPT made with IOMMU_HWPT_ALLOC_NEST_PARENT
 * @out_viommu_id: the new vIOMMU
 * @data_len: bytes at @data_uptr, 0 if @type has no data
 * @__reserved: 0
 * @data_uptr: address of the structure that @type asks for
 *
 * A vIOMMU is the slice of a physical IOMMU that belongs to one virtual machine:
 * its own cache tags (VMID or domain ID), its table of virtual device IDs, its
 * invalidations, events, hardware queues and interrupts.  Several of them, one
 * for each physical IOMMU, can share a nesting parent.
 *
 * Errors: -EOPNOTSUPP if the IOMMU doesn't have @type, -EINVAL if @hwpt_id is
 * no nesting parent.
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
 * struct iommu_vdevice_alloc - IOMMU_VDEVICE_ALLOC: name a device in a vIOMMU
 * @size: bytes of this structure
 * @viommu_id: the vIOMMU
 * @dev_id: a bound device behind the same physical IOMMU
 * @out_vdevice_id: the new vDEVICE
 * @virt_id: what the guest calls it: StreamID (SMMUv3), DeviceID (AMD) or
 *	requester ID (VT-d)
 *
 * Destroy it before the device is unbound.  If the device goes first, the
 * vDEVICE goes with it and its ID stays taken, of no use, until the file is
 * closed.
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
 * @IOMMU_VEVENTQ_FLAG_LOST_EVENTS: events were dropped for want of room
 */
enum iommu_veventq_flag {
	IOMMU_VEVENTQ_FLAG_LOST_EVENTS = (1U << 0),
};

/**
 * struct iommufd_vevent_header - stands before each event in an event queue
 * @flags: bits of enum iommu_veventq_flag
 * @sequence: number of the event, from 0 to INT_MAX and then 0 again
 *
 * The data of the queue's type follows the header.  A step of more than one from
 * header to header tells how many events are missing between them.  If the
 * latest ones are missing, so that no event follows to show the step, a header
 * with IOMMU_VEVENTQ_FLAG_LOST_EVENTS and no data stands at the end.
 */
struct iommufd_vevent_header {
	__u32 flags;
	__u32 sequence;
};

/**
 * enum iommu_veventq_type - kinds of event queue
 * @IOMMU_VEVENTQ_TYPE_DEFAULT: none, refused with -EOPNOTSUPP
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
 * Passed on are C_BAD_STE (0x04), F_STREAM_DISABLED (0x06), C_BAD_SUBSTREAMID
 * (0x08), C_BAD_CD (0x0a), F_TRANSLATION (0x10), F_ADDR_SIZE (0x11), F_ACCESS
 * (0x12) and F_PERMISSION (0x13).  The StreamID in the record is the guest's, so
 * only devices with a vDEVICE have events.
 */
struct iommu_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};

/**
 * struct iommu_vevent_tegra241_cmdqv - data of
 *	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV
 * @lvcmdq_err_map: LVCMDQ_ERR_MAP of the vIOMMU's virtual interface as the
 *	hardware has it, a bit for each logical queue, little endian
 */
struct iommu_vevent_tegra241_cmdqv {
	__aligned_le64 lvcmdq_err_map[2];
};

/**
 * struct iommu_veventq_alloc - IOMMU_VEVENTQ_ALLOC: make an event queue for a
 *	vIOMMU (vEVENTQ)
 * @size: bytes of this structure
 * @flags: 0
 * @viommu_id: the vIOMMU
 * @type: one of enum iommu_veventq_type, one queue of each type
 * @veventq_depth: events that may wait, 1 to 524288; further ones are lost
 * @out_veventq_id: the new queue
 * @out_veventq_fd: its file, close-on-exec, to be closed before the queue can
 *	be destroyed
 * @__reserved: 0
 *
 * read() gives whole events, each with its struct iommufd_vevent_header: -EINVAL
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
/* Queues that the hardware reads by itself                                 */

/**
 * enum iommu_hw_queue_type - kinds of hardware queue
 * @IOMMU_HW_QUEUE_TYPE_DEFAULT: none, refused with -EOPNOTSUPP
 * @IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV: a virtual command queue of Tegra241.
 *	Indices are made upwards from 0 without a gap (else -EIO) and destroyed
 *	downwards (else -EBUSY).  The length is a power of two from 32 to
 *	16 << idr[1].CMDQS bytes (see struct iommu_hw_info_arm_smmuv3).  The
 *	memory has to be physically contiguous and aligned to the length, so
 *	give the guest a CMDQS that lets a queue fit in one huge page.
 */
enum iommu_hw_queue_type {
	IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

/**
 * struct iommu_hw_queue_alloc - IOMMU_HW_QUEUE_ALLOC: let the hardware read a
 *	queue in guest memory
 * @size: bytes of this structure
 * @flags: 0
 * @viommu_id: the vIOMMU
 * @type: one of enum iommu_hw_queue_type
 * @index: which queue of this type
 * @out_hw_queue_id: the new queue
 * @nesting_parent_iova: first byte of the queue, as an address in the vIOMMU's
 *	nesting parent, which is the guest's physical one
 * @length: in bytes, not 0
 *
 * The memory can't be unmapped (-EBUSY) while the queue exists.
 *
 * Errors: -EOPNOTSUPP if the vIOMMU has no such type, -EEXIST if @index is
 * taken, -EINVAL for one beyond the hardware's or a length of 0, -ENOENT if the
 * range isn't mapped, -EFAULT if its pages aren't contiguous.
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
