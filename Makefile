# SPDX-License-Identifier: MIT
# A thin front of meson: each target installs what it needs, so that a fresh Debian 12 is enough.
#   make              build into build/ (build/rocm-patch runs from there)
#   make demo         install what is missing, build, run the main job on ROCm's real source
#   make check        install what the tests need, build, run all fast tests
#   make check-slow   the tests that fetch and build real packages
#   make check-corpus decoder and code object reader on 2 GB of real packages (10 GB of disk)
#   make bench        speed, as ratios and counts; never part of a test
#   make lint         format, static analysis, spelling
#   make install PREFIX=/usr/local [DESTDIR=], make uninstall PREFIX=/usr/local

BUILD  ?= build
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/install-deps build
	@meson setup $(BUILD) --prefix=$(PREFIX) >/dev/null

demo:
	@scripts/demo

check:
	@scripts/install-deps build check
	@$(MAKE) --no-print-directory all
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD)
	@scripts/run-tests.py $(BUILD) --label check

check-slow:
	@scripts/install-deps build check rocr vgpu browser
	@$(MAKE) --no-print-directory all
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD)
	@scripts/run-tests.py $(BUILD) --slow --label check-slow

check-corpus:
	@scripts/install-deps build check vgpu
	@$(MAKE) --no-print-directory all
	@meson configure $(BUILD) -Dtests=enabled
	@ninja -C $(BUILD)
	@scripts/run-tests.py $(BUILD) --corpus --label check-corpus

bench:
	@scripts/install-deps build check
	@$(MAKE) --no-print-directory all
	@meson test -C $(BUILD) --benchmark --verbose --num-processes 1

lint: all
	@scripts/install-deps lint
	@scripts/lint $(BUILD)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

install: all
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)
	@meson install -C $(BUILD) --no-rebuild >/dev/null
	@echo "installed under $(DESTDIR)$(PREFIX); take it back with: make uninstall PREFIX=$(PREFIX)"

uninstall:
	@ninja -C $(BUILD) uninstall

clean:
	@rm -rf $(BUILD)

.PHONY: all demo check check-slow check-corpus bench lint format install uninstall clean
