# SPDX-License-Identifier: MIT
"""
Composed machines for the tests of doctor. None of them was captured from a real machine: every file
has the form in which Linux 6.12 writes it (drivers/pci/pci-sysfs.c, amdgpu_ucode.c, amdgpu_discovery.c,
amdkfd/kfd_topology.c), with the values that a machine of that kind would have. Each MACHINES entry is a
function that fills a Tree; the name of the function is the name of the golden files.
"""
import os
import struct

HOME = "/home/user"
NAVI10, NAVI14, NAVI23, RAPHAEL, POLARIS = 0x731F, 0x7341, 0x73FF, 0x164E, 0x67DF


def config_space(kind, cap2=0, ctl2=0, size=256):
    """PCI configuration space with a PCI Express capability at 0x58 (linux/pci_regs.h). size 64: no root."""
    b = bytearray(256)
    struct.pack_into("<H", b, 0x06, 0x10)      # status: capability list
    b[0x34] = 0x48
    b[0x48:0x4A] = b"\x09\x58"                 # vendor specific, next
    b[0x58:0x5A] = b"\x10\x00"
    struct.pack_into("<H", b, 0x5A, kind << 4 | 2)
    struct.pack_into("<I", b, 0x58 + 0x24, cap2)
    struct.pack_into("<H", b, 0x58 + 0x28, ctl2)
    return bytes(b[:size])


ENDPOINT, ROOT, UPSTREAM, DOWNSTREAM = 0, 4, 5, 6
ROUTE, COMPLETE, REQUESTER = 0x40, 0x180, 0x40


def elf(execstack):
    """The head of a shared library with the one program header that is asked for."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 0x6474E551, 7 if execstack else 6, 0, 0, 0, 0, 0, 16)


class Tree:
    def __init__(self, path):
        self.path = path
        self.ini = ["# composed, not captured"]
        self.env = {}
        self.groups = "1000 44 110"
        self.libraries = []
        self.nodes = [("/dev/kfd", "0660", 110), ("/dev/dri/renderD128", "0660", 110)]
        self.has_ini = True

    def file(self, path, data):
        full = self.path + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def line(self, path, text):
        self.file(path, str(text) + "\n")

    def link(self, path, target):
        full = self.path + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        os.symlink(target, full)

    def folder(self, path):
        os.makedirs(self.path + path, exist_ok=True)

    def system(self, os_name="Debian GNU/Linux 12 (bookworm)", os_id="debian", kernel="6.12.57+deb12-amd64",
               glibc="2.36", driver=True, cmdline="BOOT_IMAGE=/vmlinuz root=UUID=1234 ro quiet"):
        self.file("/etc/os-release", 'PRETTY_NAME="%s"\nID=%s\n' % (os_name, os_id))
        self.line("/proc/sys/kernel/osrelease", kernel)
        self.line("/proc/cmdline", cmdline)
        self.file("/etc/group", "root:x:0:\nvideo:x:44:user\nrender:x:110:user\nuser:x:1000:\n")
        self.file("/lib/x86_64-linux-gnu/libc.so.6",
                  b"\x7fELF\0\0GNU C Library (GNU libc) stable release version %s.\nCopyright\n\0" % glibc.encode())
        self.folder("/sys/bus/pci/devices")
        if driver:
            for name, value in (("cwsr_enable", 1), ("noretry", -1), ("mtype_local", 0), ("vm_fragment_size", -1)):
                self.line("/sys/module/amdgpu/parameters/" + name, value)
            self.folder("/sys/class")
            self.folder("/sys/devices/virtual/kfd/kfd/topology/nodes")
            self.link("/sys/class/kfd/kfd", "../../devices/virtual/kfd/kfd")
            node = "/sys/devices/virtual/kfd/kfd/topology/nodes/0/"
            self.line(node + "gpu_id", 0)
            self.file(node + "properties", "cpu_cores_count 12\nsimd_count 0\ngfx_target_version 0\nlocation_id 0\n")
            self.file("/.rocm-patch-kernel.log", "[drm] amdgpu kernel modesetting enabled.\n")

    def device(self, slot, parents, files):
        """A PCI device below its ports, as sysfs shows it: the folder nested, a link in bus/pci/devices."""
        real = "/sys/devices/pci0000:00/" + "".join(p + "/" for p in parents) + slot
        self.link("/sys/bus/pci/devices/" + slot, "../../.." + real[4:])
        for name, data in files.items():
            self.file(real + "/" + name, data)
        return real

    def card(self, device=NAVI10, slot="0000:03:00.0", revision=0xCA, gc=(10, 1, 10), mec=0x91, node=1, target=100100,
             atomics=True, root_reads=False, admitted=True, driver="amdgpu", vram=6128, bar=256, width=16, render=128,
             parents=("0000:00:01.1", "0000:01:00.0", "0000:02:00.0"), root_port=COMPLETE, apu=False):
        size = 256 if root_reads else 64
        kinds = (ROOT, UPSTREAM, DOWNSTREAM)
        for i, port in enumerate(parents):
            cap2 = root_port if i == 0 else ROUTE
            if not os.path.lexists(self.path + "/sys/bus/pci/devices/" + port):
                self.device(port, parents[:i], {"class": "0x060400\n", "config": config_space(kinds[i], cap2, 0, size)})
        files = {"vendor": "0x1002\n", "class": "0x030000\n", "device": "0x%04x\n" % device, "revision": "0x%02x\n" % revision,
                 "config": config_space(ENDPOINT, COMPLETE, REQUESTER if atomics else 0, size),
                 "resource": "0x%016x 0x%016x 0x000000000014220c\n" % (0x7000000000, 0x7000000000 + (bar << 20) - 1)}
        if not apu:
            files.update({"current_link_speed": "16.0 GT/s PCIe\n", "max_link_speed": "16.0 GT/s PCIe\n",
                          "current_link_width": "%d\n" % width, "max_link_width": "16\n"})
        if driver == "amdgpu":
            files["mem_info_vram_total"] = "%d\n" % (vram << 20)
            files["fw_version/mec_fw_version"] = "0x%08x\n" % mec
            files["fw_version/sdma_fw_version"] = "0x00000023\n"
            files["vbios_version"] = "113-COMPOSED\n"
            files["drm/renderD%d/dev" % render] = "226:%d\n" % render
        if gc and driver == "amdgpu":
            for name, value in zip(("major", "minor", "revision"), gc):
                files["ip_discovery/die/0/GC/0/" + name] = "%d\n" % value
        real = self.device(slot, parents, files)
        if driver:
            self.folder("/sys/bus/pci/drivers/" + driver)
            self.link(real + "/driver", "../" * (len(parents) + 3) + "bus/pci/drivers/" + driver)
        if admitted:
            self.kfd_node(node, target, slot, device, mec, atomics, render)
        return real

    def kfd_node(self, node, target, slot, device, mec, atomics, render):
        bus, rest = int(slot[5:7], 16), slot[8:]
        location = bus << 8 | int(rest[:2], 16) << 3 | int(rest[3])
        base = "/sys/devices/virtual/kfd/kfd/topology/nodes/%d/" % node
        self.line(base + "gpu_id", 40000 + node)
        self.file(base + "properties", "cpu_cores_count 0\nsimd_count 72\nio_links_count 1\ncapability 8324736\n"
                  "gfx_target_version %d\nvendor_id 4098\ndevice_id %d\nlocation_id %d\ndomain 0\ndrm_render_minor %d\n"
                  "fw_version %d\n" % (target, device, location, render, mec))
        self.file(base + "io_links/0/properties", "type 2\nnode_from %d\nnode_to 0\nflags %d\n" % (node, 1 if atomics else 13))

    def rocm(self, version="6.2.0", targets=("gfx900", "gfx1010", "gfx1030"), prefix=None, code=None):
        prefix = prefix or "/opt/rocm-" + version
        self.line(prefix + "/.info/version", version + "-66")
        major = version.split(".")[0]
        number = "".join("%02d" % int(x) for x in version.split(".")).lstrip("0")
        for name, soname in (("libhsa-runtime64.so", "1"), ("libamdhip64.so", major), ("libhiprtc.so", major),
                             ("librocblas.so", "4"), ("libMIOpen.so", "1")):
            real = "%s.%s.1.%s" % (name, soname, number)
            self.file(prefix + "/lib/" + real, elf(False))
            self.link(prefix + "/lib/%s.%s" % (name, soname), real)
        for t in targets:
            self.file(prefix + "/lib/rocblas/library/TensileLibrary_lazy_%s.dat" % t, b"")
        if code:
            self.libraries.append((prefix + "/lib/librocblas.so.4", code))

    def torch(self, version="2.4.1+rocm6.1", hip="6.1.40091-a8dbc0c19", base=HOME + "/venv", python="python3.11",
              code="gfx900 gfx906 gfx908 gfx90a gfx1030 gfx1100", targets=("gfx900", "gfx1030"), execstack=False):
        lib = "%s/lib/%s/site-packages/torch/" % (base, python)
        self.file(lib + "version.py", "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']\n"
                  "__version__ = '%s'\ndebug = False\ncuda: Optional[str] = None\ngit_version = '0'\nhip: Optional[str] = %s\n"
                  % (version, repr(hip) if hip else "None"))
        if not hip:
            return
        self.file(lib + "lib/libtorch_hip.so", elf(False))
        self.file(lib + "lib/libamdhip64.so", elf(execstack))
        for t in targets:
            self.file(lib + "lib/rocblas/library/TensileLibrary_lazy_%s.dat" % t, b"")
        self.libraries.append((lib + "lib/libtorch_hip.so", code))

    def log(self, text):
        self.file("/.rocm-patch-kernel.log", text)

    def write_ini(self):
        ini = self.ini + ["[user]", "uid = 1000", "groups = " + self.groups, "home = " + HOME]
        for path, mode, gid in self.nodes:
            ini += ["[node]", "path = " + path, "mode = " + mode, "uid = 0", "gid = %d" % gid]
        ini += ["[environment]"] + ["%s = %s" % kv for kv in self.env.items()]
        for path, targets in self.libraries:
            ini += ["[library]", "path = " + path, "targets = " + targets]
        if self.has_ini:
            self.file("/.rocm-patch-machine.ini", "\n".join(ini) + "\n")


def healthy(t):
    """RX 5600 XT, everything in order."""
    t.system()
    t.card(root_reads=True)
    t.rocm("6.2.0", code="gfx900 gfx1010 gfx1030")
    t.torch("2.8.0a0+git1234", "6.2.41133-0", code="gfx1010", targets=("gfx1010",))


def override(t):
    """The override of old advice, set in ~/.bashrc, on a wheel that is too new for it."""
    t.system()
    t.card()
    t.torch()
    t.env["HSA_OVERRIDE_GFX_VERSION"] = "10.3.0"
    t.file(HOME + "/.bashrc", "# comment\nalias ll='ls -l'\nexport HSA_OVERRIDE_GFX_VERSION=10.3.0\n")


def override_not_in_effect(t):
    """The same, asked from a process that read no .bashrc."""
    override(t)
    t.env.clear()


def override_old_stack(t):
    """torch 1.13.1+rocm5.2 with the override: what users report to work."""
    t.system()
    t.card()
    t.torch("1.13.1+rocm5.2", "5.2.21151-afdc89f8", code="gfx803 gfx900 gfx906 gfx908 gfx90a gfx1030")
    t.env["HSA_OVERRIDE_GFX_VERSION"] = "10.3.0"


def override_without_torch(t):
    t.system()
    t.card()
    t.rocm("6.2.0", ("gfx900", "gfx1030"))
    t.env["HSA_OVERRIDE_GFX_VERSION"] = "10.3.0"


def override_foreign(t):
    t.system()
    t.card()
    t.env.update({"HSA_OVERRIDE_GFX_VERSION": "9.4.0", "MIOPEN_FIND_ENFORCE": "3", "TORCH_BLAS_PREFER_HIPBLASLT": "1"})


def no_groups(t):
    """A user in neither video nor render."""
    t.system()
    t.card()
    t.rocm()
    t.groups = "1000"


def no_render_group(t):
    """A node that only the group video may open, and one for render, of a user in video alone."""
    t.system()
    t.card()
    t.groups = "1000 44"
    t.nodes[0] = ("/dev/kfd", "0660", 44)


def no_kfd(t):
    t.system()
    t.card()
    t.nodes = t.nodes[1:]


def kfd_off(t):
    """A kernel without CONFIG_HSA_AMD."""
    t.system()
    t.card(admitted=False)
    os.unlink(t.path + "/sys/class/kfd/kfd")
    t.nodes = t.nodes[1:]


def atomics_refused(t):
    """Radeon Pro W5500 in a slot of the chipset, MEC firmware 123, kernel log readable."""
    t.system(kernel="6.8.0-45-generic")
    t.card(NAVI14, revision=0, gc=(10, 1, 1), mec=0x7B, admitted=False, atomics=False, vram=8176)
    t.log("amdgpu 0000:03:00.0: amdgpu: PCIE atomic ops is not supported\n"
          "kfd kfd: amdgpu: skipped device 1002:7341, PCI rejects atomics 123<145\n")


def atomics_ports(t):
    """The same as root, without the log: a root port that completes nothing."""
    t.system()
    t.card(NAVI14, revision=0, gc=(10, 1, 1), mec=0x7B, admitted=False, atomics=False, root_reads=True, root_port=0)
    os.unlink(t.path + "/.rocm-patch-kernel.log")


def atomics_likely(t):
    """The same as a user: only a guess is possible."""
    t.system()
    t.card(NAVI14, revision=0, gc=(10, 1, 1), mec=0x7B, admitted=False, atomics=False)
    os.unlink(t.path + "/.rocm-patch-kernel.log")


def not_admitted(t):
    t.system()
    t.card(admitted=False)


def not_admitted_unknown(t):
    t.system()
    real = t.card(admitted=False)
    os.unlink(t.path + real + "/fw_version/mec_fw_version")


def no_atomics_new_firmware(t):
    """Admitted without atomics, since the firmware is new enough."""
    t.system()
    t.card(NAVI14, revision=0, gc=(10, 1, 1), mec=0x9C, target=100102, atomics=False, root_reads=True, root_port=0, width=4)


def igpu_and_card(t):
    """Ryzen 7000 graphics beside an RX 5600 XT."""
    t.system()
    t.card(RAPHAEL, "0000:0b:00.0", 0xC6, (10, 3, 6), 0x15, 2, 100306, render=129, parents=("0000:00:08.1",), apu=True, vram=512)
    t.card()
    t.nodes.append(("/dev/dri/renderD129", "0660", 110))


def igpu_override(t):
    t.system()
    t.card(RAPHAEL, "0000:0b:00.0", 0xC6, (10, 3, 6), 0x15, 1, 100306, parents=("0000:00:08.1",), apu=True, vram=512)
    t.env["HSA_OVERRIDE_GFX_VERSION"] = "10.3.0"


def rx6600_tensile(t):
    """RX 6600: ROCm's rocBLAS has no gfx1032 files."""
    t.system("Ubuntu 24.04.1 LTS", "ubuntu", "6.8.0-45-generic", "2.39")
    t.card(NAVI23, revision=0xC7, gc=(10, 3, 4), mec=0x60, target=100302, vram=8176)
    t.rocm("6.4.1", ("gfx900", "gfx1030", "gfx1100"))
    t.torch("2.7.0+rocm6.3", "6.3.42131-fa1d09cbd")


def rx6600_wheel(t):
    """RX 6600 and a wheel: the same instruction set as gfx1030."""
    t.system("Ubuntu 24.04.1 LTS", "ubuntu", "6.8.0-45-generic", "2.39")
    t.card(NAVI23, revision=0xC7, gc=(10, 3, 4), mec=0x60, target=100302, vram=8176)
    t.torch("2.7.0+rocm6.3", "6.3.42131-fa1d09cbd", targets=())


def rx6800_comgr(t):
    t.system("Ubuntu 24.04.1 LTS", "ubuntu", "6.8.0-45-generic", "2.39")
    t.card(0x73BF, revision=0xC1, gc=(10, 3, 0), mec=0x60, target=100300, vram=16368)
    t.rocm("7.1.1")


def bc250(t):
    t.system()
    t.card(0x13FE, revision=0, gc=(10, 1, 3), mec=0x91, target=100103, apu=True, parents=("0000:00:08.1",), vram=8192)
    t.rocm("7.2.3")


def gfx803(t):
    """RX 580."""
    t.system()
    t.card(POLARIS, revision=0xE7, gc=None, mec=0x2DA, target=80003, vram=8192)
    t.rocm()


def unknown_chip(t):
    """A card that no table knows, not admitted."""
    t.system()
    t.card(0x7999, gc=(99, 1, 0), admitted=False)


def nvidia_only(t):
    t.system(driver=False)
    t.device("0000:01:00.0", ("0000:00:01.0",), {"vendor": "0x10de\n", "class": "0x030000\n", "device": "0x2684\n"})


def no_gpu(t):
    t.system(driver=False)


def rocm_removed(t):
    """Half removed: links whose files are gone, /opt/rocm itself too."""
    t.system()
    t.card()
    t.rocm("5.7.1")
    lib = t.path + "/opt/rocm-5.7.1/lib/"
    for name in os.listdir(lib):
        if name.startswith(("libamdhip64", "libhiprtc")) and not os.path.islink(lib + name):
            os.unlink(lib + name)
    t.rocm("6.0.2")
    for name in os.listdir(t.path + "/opt/rocm-6.0.2/lib/"):
        if name.startswith("libhsa"):
            os.unlink(t.path + "/opt/rocm-6.0.2/lib/" + name)
    t.link("/opt/rocm", "/opt/rocm-6.1.0")


def mixed_rocm(t):
    t.system()
    t.card()
    t.rocm("6.2.0")
    t.rocm("5.7.1")
    t.env["LD_LIBRARY_PATH"] = "/opt/rocm-5.7.1/lib:/opt/rocm-6.2.0/lib"


def torch_other_rocm(t):
    t.system()
    t.card()
    t.rocm("5.7.1")
    t.torch("2.8.0a0+git1234", "6.2.41133-0", code="gfx1010", targets=("gfx1010",))
    t.env["LD_LIBRARY_PATH"] = "/opt/rocm-5.7.1/lib"


def execstack(t):
    """The old good stack on Debian 13."""
    t.system("Debian GNU/Linux 13 (trixie)", "debian", "6.12.57+deb13-amd64", "2.41")
    t.card()
    t.torch("1.13.1+rocm5.2", "5.2.21151-afdc89f8", code="gfx803 gfx900 gfx1030", execstack=True)
    t.env["HSA_OVERRIDE_GFX_VERSION"] = "10.3.0"


def execstack_other_tunable(t):
    execstack(t)
    t.env["GLIBC_TUNABLES"] = "glibc.malloc.check=1"


def execstack_allowed(t):
    execstack(t)
    t.env["GLIBC_TUNABLES"] = "glibc.rtld.execstack=2"


def kernel_617(t):
    t.system("Ubuntu 25.10", "ubuntu", "6.17.0-5-generic", "2.42")
    t.card()
    t.file("/etc/environment.d/rocm.conf", "HIP_VISIBLE_DEVICES=0\n")


def torch_wheel(t):
    """A plain wheel on an RX 5600 XT: invalid device function."""
    t.system()
    t.card()
    t.torch(targets=("gfx900", "gfx1030"))


def two_torches(t):
    """The wheel with the override, and one with native code beside it."""
    override(t)
    t.torch("2.8.0a0+git1234", "6.2.41133-0", HOME + "/ComfyUI/.venv", code="gfx1010", targets=("gfx1010",))


def generic_code(t):
    """Code for a generic target is code for the card."""
    t.system()
    t.card()
    t.torch("2.9.0", "7.0.0-0", code="gfx10-1-generic gfx10-3-generic", targets=())


def container_denied(t):
    """docker with the nodes, and a device cgroup that hides the card."""
    t.system()
    t.card()
    t.file("/.dockerenv", "")
    t.ini += ["[denied]", "path = /sys/class/kfd/kfd/topology/nodes/1/properties"]


def torch_cpu(t):
    t.system()
    t.card()
    t.torch("2.8.0+cpu", None)


def hangs(t):
    """After the hang that users describe."""
    t.system()
    t.card()
    t.log("amdgpu: HIQ MQD's queue_doorbell_id0 is not 0, Queue preemption time out\n"
          "amdgpu: Failed to evict process queues\n"
          "amdgpu 0000:03:00.0: amdgpu: [gfxhub] page fault (src_id:0 ring:24 vmid:8 pasid:32770)\n"
          "amdgpu 0000:03:00.0: amdgpu: GPU reset begin!\n")


def was_reset(t):
    t.system()
    t.card()
    t.log("amdgpu 0000:03:00.0: amdgpu: GPU reset begin!\n")


def parameters(t):
    """Parameters of the memory-type hypothesis and of retry."""
    t.system()
    t.card()
    for name, value in (("noretry", 0), ("mtype_local", 1), ("vm_fragment_size", 9), ("rdna_force_nc", 3)):
        t.line("/sys/module/amdgpu/parameters/" + name, value)
    t.line("/sys/module/amdgpu/version", "6.10.5")


def driver_blacklisted(t):
    t.system(driver=False)
    t.card(driver=None, admitted=False)
    t.file("/etc/modprobe.d/old.conf", "# amdgpu-install\nblacklist amdgpu\n")


def driver_missing(t):
    """Secure Boot on, no driver."""
    t.system(driver=False)
    t.card(driver=None, admitted=False)
    t.file("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\x06\0\0\0\x01")


def driver_failed(t):
    """Firmware that is not installed."""
    t.system()
    t.card(driver=None, admitted=False)
    t.log('amdgpu 0000:03:00.0: amdgpu: Failed to load firmware "amdgpu/navi10_pfp.bin"\n'
          "amdgpu 0000:03:00.0: amdgpu: Fatal error during GPU init\n")


def nomodeset(t):
    t.system(driver=False, cmdline="root=UUID=1234 nomodeset amdgpu.ppfeaturemask=0xffffffff")
    t.card(driver=None, admitted=False)


def vfio(t):
    t.system()
    t.card(driver="vfio-pci", admitted=False)


def vm_without_pci(t):
    t.system(driver=False)
    t.line("/sys/class/dmi/id/sys_vendor", "QEMU")
    os.rmdir(t.path + "/sys/bus/pci/devices")


def wsl(t):
    t.system("Ubuntu 22.04.5 LTS", "ubuntu", "5.15.167.4-microsoft-standard-WSL2", "2.35", driver=False)
    os.rmdir(t.path + "/sys/bus/pci/devices")


def container(t):
    """docker without --device: the host's sysfs, no nodes, a KFD node that may not be read."""
    t.system()
    real = t.card()
    t.file("/.dockerenv", "")
    t.nodes = []
    del real
    t.ini += ["[denied]", "path = /sys/class/kfd/kfd/topology/nodes/1/properties"]


def unreadable(t):
    """Files that the user of the capture could not read."""
    t.system()
    real = t.card()
    del real
    for path in ("/sys/bus/pci/devices/0000:03:00.0/fw_version/mec_fw_version", "/etc/os-release", "/proc/cmdline",
                 "/sys/module/amdgpu/parameters/noretry", "/.rocm-patch-kernel.log"):
        t.ini += ["[denied]", "path = " + path]


def hostile(t):
    """Content that no kernel writes: binary, huge, not a number, escape sequences, a pipe, a loop."""
    t.system(kernel="6.1\x1b[31mred")
    real = t.path + t.card()
    t.file("/etc/os-release", b'PRETTY_NAME="\x1b]0;title\x07\xff\xfe\xc2\x9b evil"\nID=' + b"x" * 9000 + b"\n")
    t.file("/sys/module/amdgpu/parameters/noretry", b"\0\x01\x02")
    t.file("/sys/module/amdgpu/parameters/mtype_local", b"1" * 100000)
    os.unlink(t.path + "/proc/cmdline")
    os.mkfifo(t.path + "/proc/cmdline")
    for name, data in (("config", b"\xff" * 4096), ("resource", b"0x"), ("mem_info_vram_total", b"-1\n"), ("revision", b"0x999999999999999999\n"),
                       ("current_link_width", b"{chip}\n"), ("fw_version/mec_fw_version", b"\x7f" * 64)):
        with open(os.path.join(real, name), "wb") as f:
            f.write(data)
    os.unlink(real + "/vbios_version")
    os.symlink("vbios_version", real + "/vbios_version")
    nodes = "/sys/devices/virtual/kfd/kfd/topology/nodes/"
    t.file(nodes + "1/properties", b"gfx_target_version 18446744073709551615\nlocation_id 99999999999999999999999\n" + b"A" * 300000)
    t.file(nodes + "7/gpu_id", "4294967295\n")
    t.file(nodes + "7/properties", "gfx_target_version 4294967295\nlocation_id 4294967295\ndomain 4294967295\ndevice_id 4294967295\n")
    t.device("0000:05:00.0", (), {"vendor": b"\0\0\0", "class": "0x030000\n"})
    t.device("0000:06:00.0", (), {"class": "display\n"})
    t.file(HOME + "/venv/lib/python3.11/site-packages/torch/version.py", b"hip = '\x1b[2J9999999999.99999'\n__version__ = 'unterminated\n")
    t.file("/opt/rocm-evil/.info/version", b"\0")
    t.link("/opt/rocm-evil/lib", "lib")
    t.link("/opt/rocm-loop", "/opt/rocm-loop")
    t.env["LD_LIBRARY_PATH"] = ":" * 50 + "relative:/" + "a" * 900
    t.log("skipped device 1002:731f, PCI rejects atomics {kernel}\x1b[31m\n" + "amdgpu page fault (src_id" + "x" * 5000 + "\n")


def no_rocm(t):
    """A card in order, and nothing installed."""
    t.system()
    t.card()


def debian_rocm(t):
    """Debian 12's packages: names and versions of the files as they are there; ROCR's says nothing of ROCm's."""
    t.system()
    t.card()
    lib = "/usr/lib/x86_64-linux-gnu/"
    for name, real in (("libhsa-runtime64.so.1", "libhsa-runtime64.so.1.5.0"), ("libamdhip64.so.5", "libamdhip64.so.5.2.21153")):
        t.file(lib + real, elf(False))
        t.link(lib + name, real)


def bare_tree(t):
    """A tree without .rocm-patch-machine.ini: user, nodes and environment are not known."""
    t.system()
    t.card()
    t.has_ini = False


MACHINES = [v for k, v in sorted(globals().items())
            if callable(v) and getattr(v, "__module__", None) == __name__ and k not in ("Tree", "elf", "config_space")]


def build(function, path):
    os.makedirs(path)
    tree = Tree(path)
    function(tree)
    tree.write_ini()
