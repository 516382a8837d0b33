/** What `iw` 5.19 printed: a simulated radio (mac80211_hwsim) in Germany, shortened, and the combinations of a Raspberry Pi's radio (brcmfmac). */

export const SIMULATED_RADIO = `Wiphy phy0
	wiphy index: 0
	max # scan SSIDs: 4
	Supported interface modes:
		 * IBSS
		 * managed
		 * AP
		 * AP/VLAN
		 * monitor
		 * mesh point
	Band 1:
		Capabilities: 0x107e
			HT20/HT40
		Frequencies:
			* 2412 MHz [1] (20.0 dBm)
			* 2437 MHz [6] (20.0 dBm)
			* 2484 MHz [14] (disabled)
	Band 2:
		Frequencies:
			* 5180 MHz [36] (23.0 dBm)
			* 5260 MHz [52] (20.0 dBm) (radar detection)
			* 5200.0 MHz [40] (20.0 dBm) (no IR)
	Band 4:
		Frequencies:
			* 5955 MHz [1] (23.0 dBm)
	valid interface combinations:
		 * #{ IBSS } <= 1, #{ managed, AP, mesh point, P2P-client, P2P-GO } <= 2048, #{ P2P-device } <= 1,
		   total <= 2050, #channels <= 1, radar detect widths: { 20 MHz (no HT), 20 MHz, 40 MHz, 80 MHz }

	HT Capability overrides:
		 * MCS: ff ff ff ff ff ff ff ff ff ff
`;

export const PI_RADIO = `Wiphy phy0
	wiphy index: 0
	Supported interface modes:
		 * IBSS
		 * managed
		 * AP
		 * P2P-client
		 * P2P-GO
		 * P2P-device
	Band 1:
		Frequencies:
			* 2412.0 MHz [1] (20.0 dBm)
			* 2437.0 MHz [6] (20.0 dBm)
	valid interface combinations:
		 * #{ managed } <= 1, #{ P2P-device } <= 1, #{ P2P-client, P2P-GO } <= 1,
		   total <= 3, #channels <= 2
		 * #{ managed } <= 1, #{ AP } <= 1, #{ P2P-client } <= 1, #{ P2P-device } <= 1,
		   total <= 4, #channels <= 1
	Device supports scan flush.
`;

export const SCAN = `BSS 02:aa:bb:cc:dd:01(on sky-sta0-1) -- associated
	last seen: 23.169s [boottime]
	TSF: 1795290056948250 usec (20778d, 19:40:56)
	freq: 2437
	beacon interval: 100 TUs
	signal: -30.00 dBm
	SSID: skywire-00010203
	Supported rates: 1.0* 2.0* 5.5* 11.0* 6.0 9.0 12.0 18.0 
	DS Parameter set: channel 6
	Vendor specific: OUI 00:50:f2, data: 04 10 4a 00 01 10
	Vendor specific: OUI 52:4b:59, data: 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13
BSS 02:aa:bb:cc:dd:02(on sky-sta0-1)
	freq: 2412.0
	signal: -71.50 dBm
	SSID: somebody else
	Vendor specific: OUI 52:4b:59, data: 02 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13
BSS 02:00:00:00:00:00(on sky-mesh2)
	freq: 5180
	signal: -40.00 dBm
	SSID: 
	MESH ID: skywire
	MESH Configuration:
		* Active Path Selection Protocol ID: 1
BSS 02:00:00:00:00:09(on sky-mesh2)
	freq: 5180
	signal: -40.00 dBm
	MESH ID: somebody else's
`;

export const STATIONS = `Station 02:00:00:00:02:00 (on sky-mesh0)
	inactive time:	696 ms
	mesh plink:	ESTAB
Station 02:00:00:00:03:00 (on sky-mesh0)
	mesh plink:	LISTEN
`;
