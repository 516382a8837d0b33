// SPDX-License-Identifier: GPL-2.0
/*
 * Hands a restart that asks for "tryboot" to the firmware of a Raspberry Pi, which then reads tryboot.txt in place of config.txt, once.
 * Raspberry Pi's own kernels do that; the mainline kernel, Debian's, does not, so a trial would start the old system again.
 *
 *   systemctl reboot --reboot-argument='0 tryboot'
 *
 * udev loads it on machines that have this firmware. Source: Raspberry Pi documentation, "Fail-safe OS updates (tryboot)".
 */
#include <linux/module.h>
#include <linux/of.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

/* Mailbox property: sets the flags of the next start. */
#define SET_REBOOT_FLAGS 0x00038064
#define FLAG_TRYBOOT 1

static const struct of_device_id boards[] = { { .compatible = "raspberrypi,bcm2835-firmware" }, {} };
MODULE_DEVICE_TABLE(of, boards);

static struct rpi_firmware *firmware;

static int on_restart(struct notifier_block *block, unsigned long action, void *argument)
{
	u32 flags = FLAG_TRYBOOT;

	if (action == SYS_RESTART && argument && strstr(argument, " tryboot") &&
	    rpi_firmware_property(firmware, SET_REBOOT_FLAGS, &flags, sizeof(flags)))
		pr_crit("skywire: the firmware does not take the request for tryboot\n");
	return NOTIFY_DONE;
}

static struct notifier_block restart_notifier = { .notifier_call = on_restart };

static int __init skywire_tryboot_init(void)
{
	struct device_node *node = of_find_matching_node(NULL, boards);
	int error;

	if (!node)
		return -ENODEV;
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -EPROBE_DEFER;
	error = register_reboot_notifier(&restart_notifier);
	if (error)
		rpi_firmware_put(firmware);
	return error;
}

static void __exit skywire_tryboot_exit(void)
{
	unregister_reboot_notifier(&restart_notifier);
	rpi_firmware_put(firmware);
}

module_init(skywire_tryboot_init);
module_exit(skywire_tryboot_exit);
MODULE_DESCRIPTION("Restart into tryboot on a Raspberry Pi");
MODULE_LICENSE("GPL");
