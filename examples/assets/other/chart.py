import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

plt.rcParams["font.size"] = 24
figure, axes = plt.subplots(figsize=(4, 4), dpi=100)
axes.bar(["Mon", "Tue", "Wed"], [12, 30, 21], color="tab:green")
axes.set_title("Visitors")
axes.set_yticks([])
figure.tight_layout()
figure.savefig("chart.png")
