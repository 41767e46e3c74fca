/// A number in units of `10^-decimals`, with or without commas between thousands.
pub(super) fn number(value: i64, decimals: u32, commas: bool) -> String {
    let unit = 10_i64.pow(decimals);
    let mut whole = (value.abs() / unit).to_string();
    if commas {
        let mut at = whole.len();
        while at > 3 {
            at -= 3;
            whole.insert(at, ',');
        }
    }
    if value < 0 {
        whole.insert(0, '-');
    }
    if decimals > 0 {
        let digits = decimals as usize;
        whole += &format!(".{:0digits$}", value.abs() % unit);
    }
    whole
}
