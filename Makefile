# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: 2026 iommufd-dkms maintainers
#
#   make [KDIR=<kernel headers>] modules    build both modules
#   make install                            install into the running kernel's tree, with udev rules
#   make uninstall                          remove both
#   make tools                              build/tools/iommufdctl
#   make TEST=1 ...                         test build: with hooks, warnings are errors
#   make TEST=1 PEER=1 modules              only what tests need on a kernel with its own iommufd
#   make applies                            check whether they suit the kernel
#   make check-probes                       compare the probes with the golden answers
#   make deb                                build/iommufd-dkms_*.deb
#   make rpm                                build/iommufd-dkms-*.noarch.rpm
#   make dist                               build/iommufd-dkms-*.tar.gz
#   make demo [KERNEL=6.12]                 demonstration in a virtual machine
#   make test                               run the tests
#   make test-all                           run also those that take longer
#   make test-upstream [KERNEL=7.2]         Linux's own tests of iommufd
#   make test-clients [KERNEL=7.2]          virtual machine monitors (QEMU)
#   make test-nested [KERNEL=7.2]           those of them with virtual IOMMUs or migration
#   make bench [QUICK=1]                    compare the cost of mapping with Linux's iommufd
#   make clean
#
# Builds happen in $(BUILD), which holds links to the sources, so that one
# checkout serves several kernels. W=1, V=1, CC=, CROSS_COMPILE= and -j work as in
# the kernel's build.

IOMMUFD_VERSION := 0.2.0

TOP  := $(patsubst %/,%,$(dir $(realpath $(lastword $(MAKEFILE_LIST)))))
KDIR ?= /lib/modules/$(shell uname -r)/build

RELEASE = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
# Ignore the environment: a test build has hooks that must not be in use elsewhere.
ifneq ($(origin TEST),command line)
override TEST :=
endif
ifneq ($(origin PEER),command line)
override PEER :=
endif
BUILD  ?= $(TOP)/build/$(or $(RELEASE),unknown)$(if $(TEST),-test)
override BUILD := $(abspath $(BUILD))

# Linux 7.2 rejects a module whose BTF doesn't match the kernel's exactly, and
# accepts one without BTF.
kbuild = $(MAKE) -C $(KDIR) M=$(BUILD)$(1) CONFIG_DEBUG_INFO_BTF_MODULES= \
	IOMMUFD_TOP=$(BUILD) IOMMUFD_VERSION=$(IOMMUFD_VERSION) IOMMUFD_TEST=$(TEST) \
	IOMMUFD_PEER=$(PEER)

.DEFAULT_GOAL := modules
.PHONY: modules tools install uninstall prepare ask probes applies check-compat check-probes deb rpm dist demo test test-all test-clients test-nested test-upstream bench clean

modules: probes
	+@$(call kbuild) modules
	@echo "Built for $(RELEASE): $(if $(PEER),$(BUILD)/vfio_mock.ko,$(BUILD)/iommufd.ko $(BUILD)/iommufd_vfio.ko)"

# Needs the headers of libkmod, but not of a kernel.
tools:
	+@$(MAKE) --no-print-directory -C $(TOP)/src/tools O=$(TOP)/build/tools VERSION=$(IOMMUFD_VERSION)

# Link the sources. Start afresh if the kernel or compiler has changed.
prepare:
	@sh $(TOP)/src/compat/prepare.sh "$(KDIR)" "$(BUILD)" $(PEER)

ask: prepare
	+@$(call kbuild,/src/compat/probes) --no-print-directory modules

probes: ask
	@sh $(BUILD)/src/compat/answers.sh "$(KDIR)" "$(BUILD)"

# Check by the probes alone whether the modules suit the kernel.
applies:
	+@sh $(TOP)/src/compat/applies.sh "$(KDIR)" "$(BUILD)"

# Compile and link every name of src/compat/ for the kernel.
check-compat: probes
	+@$(call kbuild,/tests/unit/compat-build) modules

check-probes: probes
	@sh $(TOP)/src/compat/check-golden.sh "$(KDIR)" "$(BUILD)" $(UPDATE)

# The release of the headers, or else of the running kernel, for uninstall.
release   = $(or $(RELEASE),$(shell uname -r))
updates   = $(INSTALL_MOD_PATH)/lib/modules/$(release)/updates
udev_rule = $(INSTALL_MOD_PATH)/etc/udev/rules.d/60-iommufd.rules
depmod    = depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(release)

# Don't sign: the key of the kernel's builder isn't available.
install: modules
	+@$(call kbuild) INSTALL_MOD_DIR=updates CONFIG_MODULE_SIG_ALL= modules_install
	install -D -m 644 $(TOP)/debian/60-iommufd-dkms.rules $(udev_rule)
	$(depmod)
	@echo "By $(udev_rule) they are loaded at boot where an IOMMU is active; now: modprobe iommufd_vfio"
	@for m in $(updates)/dkms/iommufd*.ko*; do [ ! -e "$$m" ] || \
		echo "warning: DKMS has $$m too, and depmod takes either: remove one" >&2; done

uninstall:
	rm -f $(foreach m,iommufd iommufd_vfio,$(addprefix $(updates)/$(m).ko,"" .gz .xz .zst)) $(udev_rule)
	$(depmod)

# The version is repeated in each kind of package; make sure that they agree.
versions = $(shell cd $(TOP) && \
	sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf; \
	sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog; \
	sed -n 's/^Version: *//p' rpm/iommufd-dkms.spec)

check-versions = $(foreach v,$(filter-out $(IOMMUFD_VERSION),$(versions)),$(error \
	dkms.conf, debian/ or rpm/ says version $(v), the Makefile $(IOMMUFD_VERSION)))

deb:
	@$(check-versions)
	rm -rf $(TOP)/build/deb
	mkdir -p $(TOP)/build/deb/source
	cp -dR --preserve=mode $(addprefix $(TOP)/,Makefile Kbuild dkms.conf include src debian) $(TOP)/build/deb/source
	cd $(TOP)/build/deb/source && dpkg-buildpackage -us -uc -b
	mv $(TOP)/build/deb/*.deb $(TOP)/build/
	rm -rf $(TOP)/build/deb

# Reproducible: the archive depends on the tree only.
dist_name = iommufd-dkms-$(IOMMUFD_VERSION)
dist_time = $(shell sed -n 's/^ -- .*>  //p' $(TOP)/debian/changelog | head -n 1)

dist:
	@$(check-versions)
	mkdir -p $(TOP)/build
	tar -C $(TOP) -cf $(TOP)/build/$(dist_name).tar --exclude-vcs --exclude=./build \
		--exclude=__pycache__ --transform='s,^\.,$(dist_name),S' --sort=name --mode=go=rX,u+rw \
		--owner=0 --group=0 --numeric-owner --mtime='$(dist_time)' .
	gzip -9nf $(TOP)/build/$(dist_name).tar

# For systems with rpm and dkms, though kernels of Fedora and RHEL have iommufd.
rpm: dist
	rm -rf $(TOP)/build/rpm
	rpmbuild -bb --define '_topdir $(TOP)/build/rpm' --define '_sourcedir $(TOP)/build' \
		$(TOP)/rpm/iommufd-dkms.spec
	mv $(TOP)/build/rpm/RPMS/noarch/*.rpm $(TOP)/build/
	rm -rf $(TOP)/build/rpm

# A program drives a disk through /dev/iommu, in a virtual machine.
demo:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/vm/run --kernel $(or $(KERNEL),6.12) --iommu vtd --device nvme $(TOP)/tests/guest/device/demo.c

# All tests: on the host, in a clean Debian, in virtual machines.
test:
	@$(TOP)/tests/run

test-all:
	@$(TOP)/tests/run --all

# Linux's selftests, on every kernel or one.
test-upstream:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/upstream/run $(addprefix --kernel ,$(KERNEL))

# QEMU with assigned devices, on every stock kernel or one.
test-clients:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/clients/run $(or $(addprefix --kernel ,$(KERNEL)),--all)

# QEMU with a virtual IOMMU, and migration, on every stock kernel or one.
test-nested:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/clients/run $(or $(addprefix --kernel ,$(KERNEL)),--all) nested-smmu nested-vtd migrate

# Comparison with Linux's iommufd and VFIO type1 in virtual machines; results are in
# build/bench.
bench:
	@$(TOP)/tests/vm/setup-host
	@$(TOP)/tests/bench/run $(if $(QUICK),--quick)

clean:
	rm -rf $(TOP)/build
