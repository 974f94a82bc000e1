use super::*;

fn layout(start: u16, length: u16, order: ByteOrder, kind: NumberKind) -> SignalLayout {
    SignalLayout { start, length, order, kind, factor: 1.0, offset: 0.0 }
}

fn unsigned(start: u16, length: u16, order: ByteOrder) -> Signal {
    Signal::new(layout(start, length, order, NumberKind::Unsigned)).unwrap()
}

fn scaled(length: u16, kind: NumberKind, factor: f64, offset: f64) -> Signal {
    Signal::new(SignalLayout { factor, offset, ..layout(0, length, ByteOrder::Intel, kind) }).unwrap()
}

#[test]
fn the_set_speed_of_the_subaru_runs_over_two_bytes_from_the_top() {
    // 51|12@0+: the low half of byte 6, then byte 7.
    let set_speed = unsigned(51, 12, ByteOrder::Motorola);
    assert_eq!(set_speed.value(&[0, 0, 0, 0, 0, 0, 0xF0, 55]), Some(55.0));
    assert_eq!(set_speed.value(&[0, 0, 0, 0, 0, 0, 0x01, 0]), Some(256.0));
    assert_eq!(set_speed.payload_bytes_min(), 8);
}

#[test]
fn intel_runs_up_from_its_lowest_bit() {
    let payload = [0x34, 0x12, 0xFF, 0, 0, 0, 0, 0x80];
    assert_eq!(unsigned(0, 16, ByteOrder::Intel).bits(&payload), Some(0x1234));
    assert_eq!(unsigned(4, 8, ByteOrder::Intel).bits(&payload), Some(0x23));
    assert_eq!(unsigned(63, 1, ByteOrder::Intel).bits(&payload), Some(1));
    assert_eq!(unsigned(0, 64, ByteOrder::Intel).bits(&payload), Some(0x8000_0000_00FF_1234));
}

#[test]
fn a_signal_beyond_the_payload_has_no_value() {
    let signal = unsigned(8, 9, ByteOrder::Intel);
    assert_eq!([0, 1, 2].map(|length| signal.bits(&[0xFF; 3][..length])), [None; 3]);
    assert_eq!(signal.bits(&[0, 0xFF, 1]), Some(0x1FF));
    assert_eq!(signal.bits(&[0, 0xFE, 1, 0, 0, 0, 0, 0, 0, 0]), Some(0x1FE));
}

#[test]
fn long_payloads_and_nine_bytes_are_read_too() {
    let mut payload = [0; 64];
    for (byte, number) in payload.iter_mut().zip(0_u8..) {
        *byte = number;
    }
    assert_eq!(unsigned(163, 1, ByteOrder::Intel).bits(&payload), Some(0));
    assert_eq!(unsigned(8 * 20, 8, ByteOrder::Intel).bits(&payload), Some(20));
    assert_eq!(unsigned(8 * 63 + 7, 8, ByteOrder::Motorola).bits(&payload), Some(63));
    assert_eq!(unsigned(4, 64, ByteOrder::Intel).bits(&payload), Some(0x8070_6050_4030_2010));
    assert_eq!(unsigned(3, 64, ByteOrder::Motorola).bits(&payload), Some(0x0010_2030_4050_6070));
    assert_eq!(unsigned(8 * 55 + 3, 64, ByteOrder::Motorola).bits(&payload), Some(0x7383_93A3_B3C3_D3E3));
}

#[test]
fn signs_and_floats_are_read_as_such() {
    let signed = Signal::new(layout(0, 12, ByteOrder::Intel, NumberKind::Signed)).unwrap();
    assert_eq!(signed.raw(&[0xFF, 0x0F]), Some(-1));
    assert_eq!(signed.raw(&[0xFF, 0xF7]), Some(2047));
    let single = Signal::new(layout(0, 32, ByteOrder::Intel, NumberKind::Float32)).unwrap();
    assert_eq!(single.exact(&1.5_f32.to_le_bytes()), Some(Value::Real(1.5)));
    let double = Signal::new(layout(7, 64, ByteOrder::Motorola, NumberKind::Float64)).unwrap();
    assert_eq!(double.value(&(-0.1_f64).to_be_bytes()), Some(-0.1));
}

#[test]
fn whole_numbers_stay_exact() {
    assert_eq!(scaled(46, NumberKind::Unsigned, 1.0, 0.0).exact(&[0xFF; 8]), Some(Value::Integer((1 << 46) - 1)));
    let offset = -9_223_372_036_854_775_808.0;
    let shifted = scaled(64, NumberKind::Unsigned, 1.0, offset);
    assert_eq!(shifted.exact(&[0xFF; 8]), Some(Value::Integer(i128::from(i64::MAX))));
    assert_eq!(shifted.value(&[0; 8]), Some(offset));
    // Doubles alone, rounded twice, give 9007199254740992.
    let tripled = scaled(64, NumberKind::Unsigned, 3.0, 1.0);
    assert_eq!(tripled.value(&3_002_399_751_580_331_u64.to_le_bytes()), Some(9_007_199_254_740_994.0));
    let mut smallest = scaled(64, NumberKind::Unsigned, offset, offset);
    assert_eq!(smallest.exact(&[0xFF; 8]), Some(Value::Integer(i128::MIN)));
    smallest = scaled(8, NumberKind::Unsigned, 2.5, 0.0);
    assert_eq!(smallest.exact(&[2]), Some(Value::Real(5.0)), "a half is no whole factor");
}

#[test]
fn zero_has_no_sign() {
    let negated = scaled(8, NumberKind::Unsigned, -0.5, -0.0);
    assert_eq!(negated.exact(&[0]).map(|value| value.to_string()), Some("0.0".into()));
}

#[test]
fn impossible_signals_are_refused() {
    let refused = |start, length, kind| Signal::new(layout(start, length, ByteOrder::Intel, kind)).unwrap_err();
    assert_eq!(refused(0, 0, NumberKind::Unsigned), SignalFault::Length(0));
    assert_eq!(refused(0, 65, NumberKind::Unsigned), SignalFault::Length(65));
    assert_eq!(refused(0, 16, NumberKind::Float32), SignalFault::FloatLength { wanted: 32, found: 16 });
    assert_eq!(refused(u16::MAX, 2, NumberKind::Signed), SignalFault::BeyondPayload);
    assert_eq!(refused(8 * 4095, 1, NumberKind::Signed), SignalFault::BeyondPayload);
    let endless = SignalLayout { factor: f64::NAN, ..layout(0, 1, ByteOrder::Intel, NumberKind::Unsigned) };
    assert_eq!(Signal::new(endless), Err(SignalFault::EndlessScale));
}
