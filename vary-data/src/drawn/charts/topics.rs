//! What charts are about.

/// A quantity that is measured for a group of things or over time.
pub(super) struct Topic {
    /// In lower case, as within a sentence.
    pub measure: &'static str,
    /// Empty if it is a count.
    pub unit: &'static str,
    /// What one category is, and several.
    pub group: [&'static str; 2],
    /// In their order in time if `time`.
    pub categories: &'static [&'static str],
    /// Whether a line from one category to the next makes sense.
    pub time: bool,
    pub series: &'static [&'static str],
    /// Smallest and largest value.
    pub range: [i64; 2],
    /// Digits after the point that suit it.
    pub decimals: u32,
}

const MONTHS: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const QUARTERS: &[&str] = &["Q1", "Q2", "Q3", "Q4"];
/// A run of these is taken.
pub(super) const YEARS: &[&str] = &[
    "2004", "2005", "2006", "2007", "2008", "2009", "2010", "2011", "2012", "2013", "2014", "2015",
    "2016", "2017", "2018", "2019", "2020", "2021", "2022", "2023", "2024",
];
const COUNTRIES: &[&str] = &[
    "Brazil", "Canada", "Chile", "Egypt", "France", "Germany", "India", "Italy", "Japan", "Kenya",
    "Mexico", "Norway", "Peru", "Poland", "Spain", "Sweden", "Turkey", "Vietnam",
];
const CITIES: &[&str] = &[
    "Athens", "Berlin", "Cairo", "Dublin", "Lima", "Lisbon", "London", "Madrid", "Oslo", "Paris",
    "Prague", "Rome", "Seoul", "Tokyo", "Vienna", "Warsaw",
];

const COUNTRY: [&str; 2] = ["country", "countries"];
const CITY: [&str; 2] = ["city", "cities"];
const YEAR: [&str; 2] = ["year", "years"];
const MONTH: [&str; 2] = ["month", "months"];
const DAY: [&str; 2] = ["day", "days"];

const fn topic(
    (measure, unit): (&'static str, &'static str),
    group: [&'static str; 2],
    categories: &'static [&'static str],
    series: &'static [&'static str],
    range: [i64; 2],
    decimals: u32,
) -> Topic {
    Topic {
        measure,
        unit,
        group,
        categories,
        time: false,
        series,
        range,
        decimals,
    }
}

const fn timed(mut topic: Topic) -> Topic {
    topic.time = true;
    topic
}

/// All topics.
#[rustfmt::skip]
pub(super) const TOPICS: &[Topic] = &[
    topic(("electricity use", "TWh"), COUNTRY, COUNTRIES,
        &["Homes", "Industry", "Transport"], [20, 900], 0),
    topic(("forest area", "million ha"), COUNTRY, COUNTRIES, &["Conifers", "Hardwood"], [2, 90], 1),
    topic(("number of tourists", "millions"), COUNTRY, COUNTRIES,
        &["Winter", "Spring", "Summer", "Autumn"], [1, 80], 1),
    topic(("number of medals", ""), COUNTRY, COUNTRIES, &["Gold", "Silver", "Bronze"], [2, 48], 0),
    topic(("average rent", "euros"), CITY, CITIES, &["Centre", "Suburbs"], [420, 2400], 0),
    topic(("number of library visits", "thousands"), CITY, CITIES,
        &["Adults", "Children", "Students"], [12, 340], 0),
    topic(("commute time", "minutes"), CITY, CITIES,
        &["Bus", "Car", "Bicycle", "Metro"], [11, 75], 0),
    topic(("number of units sold", ""), ["product", "products"],
        &["Laptops", "Phones", "Tablets", "Cameras", "Printers", "Monitors", "Speakers",
        "Routers", "Keyboards"],
        &["Online", "In store"], [150, 9800], 0),
    topic(("number of students", ""), ["subject", "subjects"],
        &["Biology", "Physics", "History", "Music", "Law", "Medicine", "Drama", "Geology", "Maths"],
        &["Women", "Men"], [60, 1900], 0),
    topic(("share of fans", "%"), ["sport", "sports"],
        &["Football", "Tennis", "Rugby", "Cricket", "Golf", "Hockey", "Swimming", "Rowing",
        "Cycling"],
        &["Under 30", "Over 30"], [3, 88], 0),
    topic(("sugar content", "g"), ["fruit", "fruits"],
        &["Apple", "Banana", "Cherry", "Grape", "Kiwi", "Mango", "Orange", "Pear", "Plum", "Lemon"],
        &["Fresh", "Dried"], [2, 30], 1),
    topic(("readers' rating", "points"), ["genre", "genres"],
        &["Crime", "Fantasy", "Poetry", "Romance", "Thriller", "Travel", "Comics", "Essays"],
        &["Print", "Audio", "E-book"], [2, 10], 1),
    topic(("annual budget", "million dollars"), ["department", "departments"],
        &["Health", "Education", "Housing", "Roads", "Parks", "Police", "Culture", "Energy"],
        &["Planned", "Spent"], [8, 640], 0),
    timed(topic(("rainfall", "mm"), MONTH, MONTHS,
        &["Bergen", "Hamburg", "Porto", "Turin"], [10, 220], 0)),
    timed(topic(("temperature", "degrees"), MONTH, MONTHS,
        &["Sydney", "Delhi", "Boston", "Quito"], [4, 38], 1)),
    timed(topic(("number of bookings", ""), MONTH, MONTHS,
        &["Business", "Leisure"], [120, 4800], 0)),
    timed(topic(("number of visitors", ""), DAY, DAYS,
        &["Museum", "Zoo", "Aquarium", "Castle"], [80, 3200], 0)),
    timed(topic(("number of orders", ""), DAY, DAYS,
        &["North", "South", "East", "West"], [35, 780], 0)),
    timed(topic(("revenue", "million dollars"), ["quarter", "quarters"], QUARTERS,
        &["Acme", "Globex", "Initech", "Umbra"], [4, 95], 1)),
    timed(topic(("revenue", "million euros"), YEAR, YEARS,
        &["Hardware", "Software", "Services"], [10, 760], 0)),
    timed(topic(("unemployment rate", "%"), YEAR, YEARS,
        &["Austria", "Ireland", "Greece", "Portugal"], [2, 18], 1)),
    timed(topic(("CO2 output", "Mt"), YEAR, YEARS, &["Coal", "Oil", "Gas"], [15, 520], 0)),
    timed(topic(("number of patents", ""), YEAR, YEARS,
        &["Batteries", "Solar", "Wind", "Chips"], [40, 2700], 0)),
    timed(topic(("number of internet users", "millions"), YEAR, YEARS,
        &["Rural", "Urban"], [5, 420], 0)),
];
