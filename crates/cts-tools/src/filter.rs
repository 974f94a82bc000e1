//! Which frames a user wants to see: the parameters of it, and the filter that they mean.

use cts_can::filter::FrameFilter;
use cts_can::frame::{Address, Bus};
use cts_model::{ParamKind, ParamSpec};
use serde_json::{Value, json};

use crate::native::{ToolCx, ToolError};
use crate::spec::seconds;

/// Returns the parameters.
pub(crate) fn params() -> Vec<ParamSpec> {
    vec![
        ParamSpec {
            items: Some(ParamKind::Int),
            examples: vec![json!([0, 1])],
            maximum: Some(256.0),
            ..ParamSpec::new("bus", ParamKind::List, "Only these buses, as in the log: echoes are 128 and more")
        },
        ParamSpec {
            pattern: Some("0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}".to_owned()),
            examples: vec![json!(["0x146", "0x241"])],
            ..ParamSpec::new("address", ParamKind::List, "Only these addresses: 0x and hexadecimal, or decimal")
        },
        seconds("from", "Only frames from this time on, after the first CAN event"),
        seconds("to", "Only frames up to this time, after the first CAN event"),
    ]
}

/// Returns the filter that the parameters mean.
pub(crate) fn filter(cx: &ToolCx) -> Result<FrameFilter, ToolError> {
    let mut buses = Vec::new();
    for bus in cx.list("bus") {
        let number = bus.as_u64().and_then(|number| u8::try_from(number).ok());
        let refuse = || ToolError::new(format!("bus is {bus}; a bus is a number from 0 to 255"));
        buses.push(Bus(number.ok_or_else(refuse)?));
    }
    let mut addresses = Vec::new();
    for address in cx.list("address").iter().filter_map(Value::as_str) {
        let refuse = || ToolError::new(format!("address is {address}; an address has at most 32 bits"));
        addresses.push(Address(parse_address(address).ok_or_else(refuse)?));
    }
    Ok(FrameFilter { buses, addresses, from: cx.number("from"), to: cx.number("to") })
}

fn parse_address(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hexadecimal_with_a_prefix_or_decimal() {
        assert_eq!(parse_address("0x146"), Some(0x146));
        assert_eq!(parse_address("326"), Some(326));
        assert_eq!(parse_address("0x1FFFFFFFF"), None);
    }
}
