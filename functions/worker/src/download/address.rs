//! Which addresses are somebody's on the internet: a report is fetched from no other.
//!
//! Everything that is reserved, private or of one's own network is left out, also where it is wrapped into an IPv6 address,
//! by the registries of IANA for special-purpose addresses. The metadata services of clouds are at such addresses:
//! `169.254.169.254`, `fd00:ec2::254`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First address and length of the prefix.
type Range4 = ([u8; 4], u32);
type Range6 = ([u16; 8], u32);

const NOT_PUBLIC_4: [Range4; 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

/// All that is handed out. Outside of it is nothing but what is special.
const UNICAST_6: Range6 = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const NOT_PUBLIC_6: [Range6; 3] = [
    // Protocols' own, Teredo among them.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];
const MAPPED: Range6 = ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
const NAT64: Range6 = ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const SIX_TO_FOUR: Range6 = ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

/// Whether an address is somebody's on the internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_4(address),
        IpAddr::V6(address) => is_public_6(address),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_4.iter().any(|(first, length)| {
        let mask = u32::MAX << (32 - length);
        u32::from(address) & mask == u32::from_be_bytes(*first)
    })
}

fn is_public_6(address: Ipv6Addr) -> bool {
    if let Some(wrapped) = wrapped(address) {
        return is_public_4(wrapped);
    }
    within(address, UNICAST_6) && !NOT_PUBLIC_6.iter().any(|range| within(address, *range))
}

/// The IPv4 address that packets to this one end at.
fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b] = address.segments();
    let last = Ipv4Addr::from(u32::from(a) << 16 | u32::from(b));
    let [_, a, b, ..] = address.segments();
    let second = Ipv4Addr::from(u32::from(a) << 16 | u32::from(b));
    if within(address, MAPPED) || within(address, NAT64) {
        Some(last)
    } else {
        within(address, SIX_TO_FOUR).then_some(second)
    }
}

fn within(address: Ipv6Addr, (first, length): Range6) -> bool {
    let mask = u128::MAX << (128 - length);
    u128::from(address) & mask == u128::from(Ipv6Addr::from(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn what_is_private_reserved_or_ones_own_is_not_public() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::2",
            "fd00:ec2::254",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn what_is_next_to_it_is_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2600:1f18::1",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(public(address), "{address}");
        }
    }
}
