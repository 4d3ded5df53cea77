/* SPDX-License-Identifier: GPL-2.0-only */
/* How the tables of the grammar are written. */
#ifndef TESTS_FUZZ_GRAMMAR_H
#define TESTS_FUZZ_GRAMMAR_H

#include <linux/iommufd.h>

#include "../mock/uapi.h"
#include "calls.h"
#include "fuzz.h"

#define SIZE_OF(_struct, _member) sizeof(((struct _struct *)0)->_member)
#define F(_struct, _member, _kind, _arg)				\
	{ #_member, offsetof(struct _struct, _member),			\
	  SIZE_OF(_struct, _member), _kind, _arg }
#define IOCTL_IF(_name, _weight, _needs, _request, _struct, ...)	\
	{ .name = _name, .weight = _weight, .needs = _needs,		\
	  .request = _request, .size = sizeof(struct _struct),		\
	  .fields = { __VA_ARGS__ } }
#define IOCTL(_name, _weight, _request, _struct, ...)			\
	IOCTL_IF(_name, _weight, NEED_NOTHING, _request, _struct, __VA_ARGS__)
/* An operation of the mock; @id is the object that it is about. */
#define MOCK_IF(_name, _weight, _needs, _op, ...)			\
	{ .name = _name, .weight = _weight, .request = IOMMU_TEST_CMD,	\
	  .size = sizeof(struct iommu_test_cmd), .test_op = _op,	\
	  .needs = _needs,						\
	  .fields = { __VA_ARGS__ } }
#define MOCK(_name, _weight, _op, ...)					\
	MOCK_IF(_name, _weight, NEED_MOCK, _op, __VA_ARGS__)
#define ID(_things)	F(iommu_test_cmd, id, TAKES, _things)
#define T(_member, _kind, _arg)	F(iommu_test_cmd, _member, _kind, _arg)
/* An ioctl of a device file.  Its structure begins with its size. */
#define NODE_IOCTL(_name, _weight, _needs, _request, _struct, ...)	\
	{ .name = _name, .weight = _weight, .needs = _needs,		\
	  .request = _request, .size = sizeof(struct _struct),		\
	  .by_file = true, .fields = {					\
		{ "node", 0, 0, TAKES, MASK(NODE) },			\
		{ "argsz", 0, 4, FIXED, sizeof(struct _struct) },	\
		__VA_ARGS__ } }
/* Not an ioctl: its values are words. */
#define CALL(_name, _weight, _run, ...)					\
	{ .name = _name, .weight = _weight, .run = _run, .fields = { __VA_ARGS__ } }
#define CALL_IF(_name, _weight, _needs, _run, ...)			\
	{ .name = _name, .weight = _weight, .needs = _needs, .run = _run,	\
	  .fields = { __VA_ARGS__ } }
#define W(_name, _kind, _arg)	{ _name, 0, 8, _kind, _arg }

#define PAGE_TABLES	(MASK(IOAS) | MASK(HWPT))

extern const struct op iommu_ops[], mock_ops[], node_ops[], vendor_ops[];
extern const unsigned int n_iommu_ops, n_mock_ops, n_node_ops, n_vendor_ops;

#endif
