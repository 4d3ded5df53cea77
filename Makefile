# SPDX-License-Identifier: GPL-2.0-only
#
#   make [KDIR=<kernel headers>] modules    build both modules
#   make install                            into the running kernel's tree
#   make TEST=1 ...                         test build: hooks in, warnings are errors
#   make TEST=1 PEER=1 modules              only what tests need on a kernel with its own iommufd
#   make check-probes                       compare the probes with the golden answers
#   make deb                                build/iommufd-dkms_*.deb
#   make demo                               see it work, in a virtual machine
#   make test                               run the tests
#   make test-all                           and those that take longer
#   make test-upstream [KERNEL=7.2]         Linux's own tests of iommufd
#   make test-clients [KERNEL=7.2]          real virtual machine monitors
#   make bench [QUICK=1]                    what mapping costs, here and in Linux's own
#   make clean
#
# Objects never land beside the sources: $(BUILD) holds links to them, so that
# one checkout serves several kernels. W=1, V=1, CC=, CROSS_COMPILE= and -j work
# as they do in the kernel's own build.

IOMMUFD_VERSION := 0.2.0

TOP  := $(patsubst %/,%,$(dir $(realpath $(lastword $(MAKEFILE_LIST)))))
KDIR ?= /lib/modules/$(shell uname -r)/build

RELEASE = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
# Not by an accident of the environment: a test build has doors that others mustn't.
ifneq ($(origin TEST),command line)
override TEST :=
endif
ifneq ($(origin PEER),command line)
override PEER :=
endif
BUILD  ?= $(TOP)/build/$(or $(RELEASE),unknown)$(if $(TEST),-test)
override BUILD := $(abspath $(BUILD))

# Linux 7.2 refuses a module whose BTF doesn't fit its own to the letter, and
# takes one without.
kbuild = $(MAKE) -C $(KDIR) M=$(BUILD)$(1) CONFIG_DEBUG_INFO_BTF_MODULES= \
	IOMMUFD_TOP=$(BUILD) IOMMUFD_VERSION=$(IOMMUFD_VERSION) IOMMUFD_TEST=$(TEST) \
	IOMMUFD_PEER=$(PEER)

.DEFAULT_GOAL := modules
.PHONY: modules install prepare probes check-compat check-probes deb demo test test-all test-clients test-upstream bench clean

modules: probes
	+@$(call kbuild) modules
	@echo "Built for $(RELEASE): $(if $(PEER),$(BUILD)/vfio_mock.ko,$(BUILD)/iommufd.ko $(BUILD)/iommufd_vfio.ko)"

# Links to the sources. All is thrown away when the kernel or compiler changed.
prepare:
	@sh $(TOP)/src/compat/prepare.sh "$(KDIR)" "$(BUILD)" $(PEER)

probes: prepare
	+@$(call kbuild,/src/compat/probes) --no-print-directory modules
	@sh $(BUILD)/src/compat/answers.sh "$(KDIR)" "$(BUILD)"

# Every name of src/compat/ compiles and links on this kernel.
check-compat: probes
	+@$(call kbuild,/tests/unit/compat-build) modules

check-probes: probes
	@sh $(TOP)/src/compat/check-golden.sh "$(KDIR)" "$(BUILD)" $(UPDATE)

# Without the key of the kernel's builder there is nothing to sign with.
install: modules
	+@$(call kbuild) INSTALL_MOD_DIR=updates CONFIG_MODULE_SIG_ALL= modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(RELEASE)

# The version stands in every kind of package; this is where they must agree.
versions = $(shell cd $(TOP) && \
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf; \
	sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog; \
	sed -n 's/^Version: *//p' rpm/iommufd-dkms.spec)

deb:
	@$(foreach v,$(filter-out $(IOMMUFD_VERSION),$(versions)),$(error \
		dkms.conf, debian/ or rpm/ says version $(v), the Makefile $(IOMMUFD_VERSION)))
	rm -rf $(TOP)/build/deb
	mkdir -p $(TOP)/build/deb/source
	cp -a $(addprefix $(TOP)/,Makefile Kbuild dkms.conf include src debian) $(TOP)/build/deb/source
	cd $(TOP)/build/deb/source && dpkg-buildpackage -us -uc -b
	mv $(TOP)/build/deb/*.deb $(TOP)/build/
	rm -rf $(TOP)/build/deb

# A disk driven by a program through /dev/iommu, in a virtual machine.
demo:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/vm/run --kernel 6.12 --iommu vtd --device nvme $(TOP)/tests/guest/device/demo.c

# Everything: on this machine, in a clean Debian, in virtual machines.
test:
	@$(TOP)/tests/run

test-all:
	@$(TOP)/tests/run --all

# Linux's selftests, on every kernel or one.
test-upstream:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/upstream/run $(addprefix --kernel ,$(KERNEL))

# QEMUs with devices that they get from us, on every stock kernel or one.
test-clients:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/clients/run $(or $(addprefix --kernel ,$(KERNEL)),--all)

# Against Linux's own iommufd and VFIO's type1, in virtual machines; into build/bench.
bench:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/bench/run $(if $(QUICK),--quick)

clean:
	rm -rf $(TOP)/build
