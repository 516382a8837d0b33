# What U-Boot does on a Raspberry Pi 3, as the firmware of later boards: config.txt names the folder of the system that starts; tryboot.txt does
# in its place, once, after a restart that asked for it (image/root/usr/lib/skywire/image/tryboot). The device tree is the one that the firmware read.
# The addresses leave room for a kernel of 100 MiB and keep away from where the firmware lays the device tree.
setenv disk "${devtype} ${devnum}:1"
setenv text 0x07000000
setenv kernel 0x00200000
setenv initramfs 0x09000000

setenv config config.txt
if load ${disk} ${text} tryboot.env && env import -t ${text} ${filesize} tryboot && test "${tryboot}" = 1; then
  setenv tryboot 0
  env export -t ${text} tryboot
  # What cannot be taken back is not tried.
  if fatwrite ${disk} ${text} tryboot.env ${filesize}; then setenv config tryboot.txt; fi
fi

# Lines of NAME=VALUE are what U-Boot reads, too; the command line is one, because it begins with root=.
load ${disk} ${text} ${config} && env import -t -r ${text} ${filesize} os_prefix cmdline
if test -z "${cmdline}"; then setenv cmdline cmdline.txt; fi
load ${disk} ${text} ${os_prefix}${cmdline} && env import -t -r ${text} ${filesize} root
setenv bootargs "root=${root}"
if load ${disk} ${kernel} ${os_prefix}vmlinuz && load ${disk} ${initramfs} ${os_prefix}initrd.img; then
  booti ${kernel} ${initramfs}:${filesize} ${fdt_addr}
fi
# What does not start is not waited for; after a trial that is back.
reset
