// SPDX-License-Identifier: GPL-2.0-only
/* Compare the running kernel with what a shim expects. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "btf.h"
#include "ksym.h"
#include "layout.h"

#ifdef IOMMUFD_TEST
/* For tests: the "structure.member" or function to report as missing. */
static char *shims_lack = "";
module_param(shims_lack, charp, 0444);

static bool layout_lacks(const char *structure, const char *name)
{
	size_t length = strlen(structure);

	if (!length)
		return !strcmp(shims_lack, name);
	return !strncmp(shims_lack, structure, length) && shims_lack[length] == '.' &&
	       !strcmp(shims_lack + length + 1, name);
}
#else
static bool layout_lacks(const char *structure, const char *name)
{
	return false;
}
#endif

static bool layout_place_fits(const struct layout_member *member,
			      const struct btf_place *place)
{
	if (!member->size)
		return place->bits == 1;
	return !place->bits && (member->size == LAYOUT_ANY || place->size == member->size);
}

static int layout_find_member(const struct btf_data *btf,
			      const struct layout_member *member)
{
	u32 id = btf_find_struct(btf, member->structure, member->with);
	struct btf_place place = { .size = btf_struct_size(btf, id) };

	if (!id || layout_lacks(member->structure, member->path ?: "") ||
	    (member->path && btf_find_member(btf, id, member->path, &place)) ||
	    !layout_place_fits(member, &place))
		return -EOPNOTSUPP;
	if (member->offset)
		*member->offset = place.offset;
	if (member->bit)
		*member->bit = place.bit;
	return 0;
}

static void layout_explain(const struct layout_member *member, struct layout_why *why)
{
	if (member->path)
		snprintf(why->text, sizeof(why->text),
			 "the kernel's struct %s has no such member %s",
			 member->structure, member->path);
	else
		snprintf(why->text, sizeof(why->text), "the kernel has no such struct %s",
			 member->structure);
}

int layout_find_members(const struct btf_data *btf, const struct layout_member *members,
			size_t n, struct layout_why *why)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (layout_find_member(btf, &members[i])) {
			layout_explain(&members[i], why);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int layout_find_function(const struct btf_data *btf,
				const struct layout_function *function,
				struct layout_why *why)
{
	char prototype[160];
	int rc;

	rc = layout_lacks("", function->name) ? -ENOENT :
	     btf_prototype(btf, function->name, prototype, sizeof(prototype));
	if (!rc && strcmp(prototype, function->prototype)) {
		snprintf(why->text, sizeof(why->text), "the kernel's %s() is %s",
			 function->name, prototype);
		return -EOPNOTSUPP;
	}
	if (!rc)
		rc = ksym_find(function->name, function->address);
	if (rc) {
		snprintf(why->text, sizeof(why->text), "the kernel has %s %s()",
			 rc == -ENOTUNIQ ? "more than one" : "no", function->name);
		return -EOPNOTSUPP;
	}
	return 0;
}

int layout_find_functions(const struct btf_data *btf,
			  const struct layout_function *functions, size_t n,
			  struct layout_why *why)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && !rc; i++)
		rc = layout_find_function(btf, &functions[i], why);
	return rc;
}
