// Shows the elements whose number is what is searched for, or whose top rows hold it; and the groups that have some.
{
  const field = document.querySelector(".search input");
  const found = document.querySelector(".search output");
  const groups = [...document.querySelectorAll("section")];
  const cards = [...document.querySelectorAll(".card")].map((card) => {
    const said = [...card.querySelectorAll(".tokens, .text")].map((part) => part.textContent);
    return { card, number: card.id.slice(1), text: said.join("\n").toLowerCase() };
  });
  const search = () => {
    const wanted = field.value.toLowerCase().trim();
    // A number is searched for as a whole, 3 but not 13.
    const whole = /^\d+$/.test(wanted) ? new RegExp(`\\b${wanted}\\b`) : undefined;
    const holds = (text) => whole?.test(text) ?? text.includes(wanted);
    let count = 0;
    for (const { card, number, text } of cards) {
      card.hidden = wanted !== "" && number !== wanted && !holds(text);
      count += card.hidden ? 0 : 1;
    }
    for (const group of groups) group.hidden = !group.querySelector(".card:not([hidden])");
    found.value = wanted === "" ? "" : `${count} of the ${cards.length} elements on this page`;
  };
  field.addEventListener("input", search);
  // A link leads to an element that the search may hide.
  addEventListener("hashchange", () => {
    field.value = "";
    search();
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  });
  document.querySelector(".search").hidden = false;
}
