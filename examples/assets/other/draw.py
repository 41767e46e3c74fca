"""Images by Matplotlib, Typst and WeasyPrint, with their questions: python draw.py OUT COUNT SEED"""

import json
import os
import random
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pypdfium2
import typst
import weasyprint

TITLES = "Sales Rain Visits Members Books Trains Exports Orders Tickets Results Budget Energy Water Price Growth Traffic Staff Schools Hours Speed".split()
GROUPS = [
    group.split()
    for group in (
        "Jan Feb Mar Apr May Jun",
        "North South East West",
        "2019 2020 2021 2022 2023",
        "Rome Oslo Bern Kyiv Lima Cairo",
        "Red Blue Green Black",
        "tea milk juice water cola",
        "Q1 Q2 Q3 Q4",
        "A B C D E",
        "Anna Ben Carl Dora Emil",
        "pears plums beans rice nuts",
        "Thu Fri Sat Sun",
    )
]
HEADS = "Opening hours,Menu,To do,Recipe,Contact,Notes,Packing list,Prices,Museum,Bakery,Trip,Meeting,Garden,Office,Club news,Rules".split(",")
ITEMS = "call the bank,6 rolls,green tea,3 lemons,water plants,2 tickets,book a table,warm socks,pay rent,olive oil,10 stamps,fix the bike,send letter,1 map,clean desk,old photos,sun hat,meet Clara,buy paint,4 candles".split(",")
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
COLOURS = [("#fff", "#000"), ("#eef4fb", "#123"), ("#fdf0f0", "#222"), ("#f3f3f3", "#333"), ("#223", "#eee")]
OCR = "Provide the OCR results of this image."

rng = random.Random()


def line():
    any, number = rng.choice, rng.randrange
    hour = number(7, 13)
    return any(
        [
            lambda: f"{any(DAYS)} {hour}:{any(['00', '30', '15'])} - {hour + number(3, 9)}:{any(['00', '30', '45'])}",
            lambda: f"{any(['Soup', 'Salad', 'Coffee', 'Cake', 'Toast', 'Pasta'])} {number(2, 15)}.{any(['50', '00', '90', '20'])}",
            lambda: f"{any(['Please', 'Do not', 'You may'])} {any(['ring the bell', 'close the door', 'feed the birds', 'smoke here', 'wait outside'])}",
            lambda: f"Phone {number(100, 999)} {number(1000, 9999)}",
            lambda: f"{any(['Closed', 'Open', 'Free entry'])} on {any(DAYS)}",
            lambda: f"{any(['Room', 'Platform', 'Floor', 'Gate'])} {number(1, 40)}",
            lambda: f"{number(1, 29)} {any(['March', 'April', 'August', 'October', 'December'])} {number(2015, 2030)}",
            lambda: any(ITEMS).capitalize(),
        ]
    )()


def chart(path):
    plt.rcParams["font.size"] = rng.choice([16, 18, 20, 22, 24])
    group = rng.choice(GROUPS)
    count = rng.randrange(3, min(5, len(group)) + 1)
    first = rng.randrange(len(group) - count + 1)
    names = group[first : first + count]
    while sum(map(len, names)) > 16:
        names.pop()
    title = rng.choice(TITLES)
    if rng.random() < 0.3:
        title += " " + rng.choice(["2024", "per day", "in %", "by group"])
    figure, axes = plt.subplots(figsize=(4, 4), dpi=100)
    values = [rng.randrange(5, 40) for _ in names]
    if rng.random() < 0.7:
        axes.bar(names, values, color=rng.choice(["tab:blue", "tab:orange", "tab:red", "tab:purple", "grey"]))
    else:
        axes.plot(names, values, marker="o", linewidth=3)
    axes.set_title(title)
    axes.set_yticks([])
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
    return OCR, title + "\n" + " ".join(names)


def note(path):
    head, items = rng.choice(HEADS), rng.sample(ITEMS, rng.randrange(2, 5))
    size = rng.choice([8, 8.5, 9, 9.5])
    items = "\n".join("- " + item for item in items)
    source = f"#set page(width: 100pt, height: 100pt, margin: 6pt)\n#set text(size: {size}pt)\n#set list(marker: [-])\n= {head}\n{items}"
    with open(path, "wb") as file:
        file.write(typst.compile(source.encode(), format="png", ppi=288))
    return "Convert the image to markdown format.", f"# {head}\n\n{items}"


def page(path):
    head, lines = rng.choice(HEADS), [line() for _ in range(rng.randrange(2, 5))]
    size, font = rng.choice([26, 28, 30, 32]), rng.choice(["DejaVu Sans", "DejaVu Sans", "DejaVu Serif"])
    ground, ink = rng.choice(COLOURS)
    style = (
        f"@page {{ size: 400px 400px; margin: 0 }} html {{ background: {ground} }} p {{ margin: 0; white-space: nowrap }}"
        f'body {{ margin: 24px; font: {size}px "{font}"; line-height: 1.5; color: {ink} }} h1 {{ font-size: {int(size * 1.35)}px; margin: 0 0 12px }}'
    )
    html = f"<style>{style}</style><h1>{head}</h1>" + "".join(f"<p>{text}</p>" for text in lines)
    pdf = pypdfium2.PdfDocument(weasyprint.HTML(string=html).write_pdf())
    image = pdf[0].render(scale=400 / pdf[0].get_width()).to_pil()
    image.convert("RGB").save(path)
    return OCR, "\n".join([head, *lines])


def main(out, count, seed):
    os.makedirs(out, exist_ok=True)
    rng.seed(int(seed))
    asked = {draw: [] for draw in (chart, note, page)}
    for i in range(int(count)):
        for draw, questions in asked.items():
            name = f"{draw.__name__}-{i:03}.png"
            question, answer = draw(os.path.join(out, name))
            turns = [("human", "<image>\n" + question), ("gpt", answer)]
            turns = [{"from": who, "value": value} for who, value in turns]
            questions.append({"id": name, "image": name, "conversations": turns})
    for draw, questions in asked.items():
        with open(os.path.join(out, draw.__name__ + "s.json"), "w") as file:
            json.dump(questions, file, indent=2)


main(*sys.argv[1:])
