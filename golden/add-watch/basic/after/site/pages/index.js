export default () => "shop";
